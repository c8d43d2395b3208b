"""A dataset version of 1,000 new labels: in a table of 200,000 labels, and in one of 2,000."""

import itertools
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from services.dataset_accumulator.app import MIGRATIONS
from services.dataset_accumulator.importing.import_store import Imports
from services.dataset_accumulator.labels import label_of_review
from services.dataset_accumulator.releasing.release_store import Releases
from services.dataset_accumulator.releasing.releaser import Releaser, ReleaseSettings
from services.dataset_accumulator.releasing.schedule import Schedule
from services.dataset_accumulator.releasing.waiting_labels import WaitingLabels
from services.dataset_accumulator.splits import import_splits, read_shares
from services.dataset_accumulator.store import Store
from shared.health import Health
from shared.messaging.outbox import Outbox
from shared.settings import engine_settings
from shared.storage.artifacts import Artifacts
from shared.storage.database import Database
from tests.bench.database import service_database
from tests.bench.measure import Measure, interleaved
from tests.support.builders.announcements import read_releases
from tests.support.builders.reviews import completed
from tests.support.draw_key import KEY

MANY, FEW = 200_000, 2_000
NEW = 1_000
ROUNDS = 5
_SHARES = read_shares("train=0.8,validation=0.1,test=0.1")


async def release(environment: Mapping[str, str]) -> Measure:
    artifacts = Artifacts(engine_settings(environment))
    artifacts.create_buckets()
    async with (
        service_database(environment, schema="dataset_accumulator", migrations=MIGRATIONS) as (
            large,
            large_outbox,
        ),
        service_database(environment, schema="dataset_accumulator", migrations=MIGRATIONS) as (
            small,
            small_outbox,
        ),
    ):
        ours = Table(large, large_outbox, artifacts)
        baseline = Table(small, small_outbox, artifacts)
        await ours.fill(MANY)
        await baseline.fill(FEW)
        return await interleaved(
            "release", "releases/s", ours=ours.round, baseline=baseline.round, rounds=ROUNDS
        )


class Table:
    """A table of released labels, to which each round adds 1,000 and releases them."""

    def __init__(self, database: Database, outbox: Outbox, artifacts: Artifacts) -> None:
        self.store = Store(database, key=KEY, import_splits=import_splits(may_test=False))
        self.releaser = Releaser(
            self.store,
            WaitingLabels(),
            Releases(database, outbox),
            Imports(database),
            read_releases(),
            artifacts,
            Health(),
            ReleaseSettings(10**9, Schedule.parse("0 3 * * 0"), 10**9),
            now=lambda: datetime.now(UTC),
        )
        self.numbers = itertools.count()

    async def fill(self, count: int) -> None:
        while count > 0:
            await self._add(min(count, 5_000))
            count -= 5_000
        await self._release()
        async with self.store.database.transaction() as connection:
            await connection.execute("ANALYZE dataset_accumulator.labels")

    async def round(self) -> float:
        await self._add(NEW)
        started = time.perf_counter()
        await self._release()
        return 1 / (time.perf_counter() - started)

    async def _add(self, count: int) -> None:
        labels = [label_of_review(completed(f"label-{next(self.numbers)}")) for _ in range(count)]
        async with self.store.database.transaction() as connection:
            await self.store.add(connection, labels, shares=_SHARES)

    async def _release(self) -> None:
        released = await self.releaser.release_by_hand(
            "adjudication", trigger=f"bench:{next(self.numbers)}"
        )
        if released is None:
            raise RuntimeError("nothing was released")
