"""The accumulator's parts on real engines, without Kafka or loops: tests turn the crank."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from services.dataset_accumulator.app import MIGRATIONS, NAME
from services.dataset_accumulator.handlers import Handlers
from services.dataset_accumulator.importing.admission import Admission
from services.dataset_accumulator.importing.import_store import Imports
from services.dataset_accumulator.importing.importer import Importer
from services.dataset_accumulator.releasing.release_store import Releases
from services.dataset_accumulator.releasing.releaser import Releaser, ReleaseSettings
from services.dataset_accumulator.releasing.schedule import Schedule
from services.dataset_accumulator.releasing.waiting_labels import WaitingLabels
from services.dataset_accumulator.splits import import_splits, read_shares
from services.dataset_accumulator.store import Store
from shared.events import DatasetReleased, ReviewCompleted, Split
from shared.health import Health
from shared.messaging.outbox import Outbox
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.database import Database
from shared.storage.datasets import SPLITS, DatasetManifest, Example, read_manifest, read_split
from tests.support.builders.announcements import read_releases
from tests.support.builders.events import KEY, NOW, case, claim_input
from tests.support.builders.reviews import completed

TRAIN = read_shares("train=1")
IMPORT_SPLITS = import_splits(may_test=False)
WEEKLY = Schedule.parse("0 3 * * 0")


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Accumulator:
    """What one process of the service is made of."""

    database: Database
    outbox: Outbox
    store: Store
    releaser: Releaser
    importer: Importer
    handlers: Handlers
    clock: Clock

    @classmethod
    def on(cls, database: Database, artifacts: Artifacts, settings: ReleaseSettings) -> Self:
        clock, outbox = Clock(), Outbox(database, service=NAME)
        store = Store(database, key=KEY, import_splits=IMPORT_SPLITS)
        imports, releases = Imports(database), Releases(database, outbox)
        waiting, announced = WaitingLabels(), read_releases()
        releaser = Releaser(
            *(store, waiting, releases, imports, announced, artifacts, Health(), settings),
            now=clock,
        )
        importer = Importer(Admission(store, imports, needs_confirmation=True))
        handlers = Handlers(store, shares=TRAIN)
        return cls(database, outbox, store, releaser, importer, handlers, clock)

    @property
    def artifacts(self) -> Artifacts:
        return self.releaser.artifacts

    async def review(self, *case_ids: str, split: Split = "train", **changes: Any) -> None:
        """Take in settled reviews of these cases, each of a member of its own."""
        handlers = Handlers(self.store, shares=read_shares(f"{split}=1"))
        await handlers.reviews_completed([completed(name, **changes) for name in case_ids])

    async def empty(self) -> None:
        tables = await self.fetch(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = 'dataset_accumulator' AND table_name <> 'migrations'"
        )
        names = ", ".join(f"dataset_accumulator.{row['table_name']}" for row in tables)
        await self.fetch(f"TRUNCATE {names}")

    async def fetch(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.transaction() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def events(self) -> list[DatasetReleased]:
        rows = await self.fetch("SELECT value FROM dataset_accumulator.outbox ORDER BY id")
        return [DatasetReleased.model_validate_json(row["value"]) for row in rows]

    def manifest(self, released: DatasetReleased | None) -> DatasetManifest:
        assert released is not None
        return read_manifest(self.artifacts, released.manifest)

    def examples(self, released: DatasetReleased | None) -> list[Example]:
        """What a version says altogether, read as a trainer would."""
        manifest = self.manifest(released)
        return [found for split in SPLITS for found in read_split(self.artifacts, manifest, split)]


@asynccontextmanager
async def running(
    engines: Mapping[str, str],
    database_url: str,
    *,
    threshold: int = 3,
    minimum: int = 2,
    connections: int = 4,
) -> AsyncIterator[Accumulator]:
    """A process's parts with a database connection of its own."""
    fields = {name.lower(): value for name, value in engines.items()}
    settings = EngineSettings.model_validate({**fields, "database_url": database_url})
    database = Database(settings, schema=NAME, migrations=MIGRATIONS, connections=connections)
    accumulator = Accumulator.on(
        database, Artifacts(settings), ReleaseSettings(threshold, WEEKLY, minimum)
    )
    accumulator.artifacts.create_buckets()
    await accumulator.database.open()
    await accumulator.outbox.create()
    try:
        yield accumulator
    finally:
        await accumulator.database.close()


def of_group(case_id: str, group_id: str, *, note: str | None = None) -> ReviewCompleted:
    """A settled review of somebody's case, whose note is its own unless one is given."""
    content = claim_input(clinical_note=note or f"Leg pain, as in {case_id}.")
    return completed(case_id, case=case(case_id, group_id=group_id, input=content))
