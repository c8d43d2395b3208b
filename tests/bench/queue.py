"""Lease and submit by 50 reviewers at once: with 100,000 reviews in line, and with 100."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

from services.review_queue.app import MIGRATIONS
from services.review_queue.reviewing.assignments import Assignments, LeaseHandle
from services.review_queue.reviewing.intake import Intake
from services.review_queue.reviewing.leasing import Leasing, Limits
from services.review_queue.reviewing.opinions import Answer
from services.review_queue.reviewing.restoring import Restoring
from services.review_queue.reviewing.review import Shares
from shared.auth.principal import Person
from shared.messaging.outbox import Outbox
from shared.storage.database import Database
from tests.bench.database import service_database
from tests.bench.measure import Measure, interleaved
from tests.support.builders.requests import requested
from tests.support.draw_key import KEY

REVIEWERS = 50
PAIRS_EACH = 2
ROUNDS = 15
MANY, FEW = 100_000, 100
_BATCH = 2_000
_LIMITS = Limits(
    lease=timedelta(minutes=5),
    undo=timedelta(hours=1),
    skip=timedelta(hours=1),
    leases_per_reviewer=3,
)


async def queue(environment: Mapping[str, str]) -> Measure:
    async with (
        service_database(
            environment, schema="review_queue", migrations=MIGRATIONS, connections=8
        ) as (large, _),
        service_database(
            environment, schema="review_queue", migrations=MIGRATIONS, connections=8
        ) as (small, _),
    ):
        ours, baseline = Filled(large, MANY), Filled(small, FEW)
        return await interleaved(
            "queue", "pairs/s", ours=ours.round, baseline=baseline.round, rounds=ROUNDS
        )


class Filled:
    """A queue that is filled up to its length before each round."""

    def __init__(self, database: Database, length: int) -> None:
        self.database = database
        self.length = length
        shares = Shares(overlap=0.0, blind=0.0)
        restoring = Restoring(database, Outbox(database, service="review_queue"))
        self.intake = Intake(database, lambda _: shares, KEY, restoring=restoring)
        self.leasing = Leasing(database, _LIMITS)
        self.assignments = Assignments(database, _LIMITS)
        self.numbers: Iterator[int] = itertools.count()
        self.missing = length

    async def round(self) -> float:
        await self._fill()
        started = time.perf_counter()
        await asyncio.gather(
            *(self._work(Person(f"reviewer-{n}", "adjudicator", "bench")) for n in range(REVIEWERS))
        )
        pairs = REVIEWERS * PAIRS_EACH
        self.missing = pairs
        return pairs / (time.perf_counter() - started)

    async def _fill(self) -> None:
        while self.missing:
            count = min(_BATCH, self.missing)
            await self.intake.add([requested(f"q-{next(self.numbers)}") for _ in range(count)])
            self.missing -= count
        async with self.database.transaction() as connection:
            await connection.execute("ANALYZE review_queue.seats, review_queue.assignments")

    async def _work(self, reviewer: Person) -> None:
        for _ in range(PAIRS_EACH):
            leased = await self.leasing.lease(reviewer)
            if leased is None:
                raise RuntimeError("the queue ran dry")
            handle = LeaseHandle(leased.assignment_id, reviewer, leased.token)
            await self.assignments.submit(handle, Answer(label="APPROVED", reasoning="supported"))
