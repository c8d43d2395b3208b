"""Lease and submit with 50 reviewers: a queue of 100,000 against a queue of 100.

Both sides do the same work on the same tables; only the length of the line differs. Each turn,
every reviewer leases and submits one case, and the line is filled up again off the clock.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta

from services.review_queue.app import HERE, NAME
from services.review_queue.opinions import Answer
from services.review_queue.store import Hold, Limits, Store
from shared.database import Database
from shared.events import ReviewRequested, review_id_of
from shared.settings import EngineSettings
from tests.bench.measure import Measure, interleaved
from tests.support.builders import NOW, case

REVIEWERS = 50
CONNECTIONS = 8  # as the service has by default
SHORT, LONG = 100, 100_000
TURNS = 40
ROUNDS = 3
_HOUR = timedelta(hours=1)
_FILL = """
WITH new AS (
    INSERT INTO review_queue.reviews
        (review_id, case_id, content_sha256, task, reason, priority, requested_at, place)
    SELECT 'bench-' || n, 'bench-' || n, '', 'adjudication', 'adverse', 2, now(), now()
    FROM generate_series($1::int, $2::int) AS n
    RETURNING review_id
)
INSERT INTO review_queue.requests (review_id, body) SELECT review_id, $3 FROM new
"""


async def queue(environment: Mapping[str, str]) -> Measure:
    settings = EngineSettings.model_validate({k.lower(): v for k, v in environment.items()})
    database = Database(
        settings, schema=NAME, migrations=HERE / "migrations", connections=CONNECTIONS
    )
    await database.open()
    bench = Bench(database)
    try:
        return await interleaved(
            "queue",
            "lease+submit pairs/s",
            ours=lambda: bench.pairs_per_second(LONG),
            baseline=lambda: bench.pairs_per_second(SHORT),
            rounds=ROUNDS,
        )
    finally:
        await bench.clear()
        await database.close()


class Bench:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = Store(database, Limits(_HOUR, _HOUR, _HOUR, leases_per_reviewer=3))
        self.added = 0

    async def clear(self) -> None:
        async with self.database.transaction() as connection:
            await connection.execute("TRUNCATE review_queue.reviews CASCADE")

    async def pairs_per_second(self, queued: int) -> float:
        await self.clear()
        await self._add(queued)
        await asyncio.gather(*map(self._pair, range(REVIEWERS)))  # plans and connections
        await self._add(REVIEWERS)
        seconds = 0.0
        for _ in range(TURNS):
            started = time.perf_counter()
            await asyncio.gather(*map(self._pair, range(REVIEWERS)))
            seconds += time.perf_counter() - started
            await self._add(REVIEWERS)
        return TURNS * REVIEWERS / seconds

    async def _pair(self, number: int) -> None:
        reviewer = f"reviewer-{number}"
        assignment = await self.store.lease(reviewer)
        assert assignment is not None
        hold = Hold(assignment.assignment_id, reviewer, assignment.token)
        await self.store.submit(hold, Answer("APPROVED", "covered, and the note supports it"))

    async def _add(self, count: int) -> None:
        async with self.database.transaction() as connection:
            first = self.added + 1
            self.added += count
            await connection.execute(_FILL, first, self.added, _request().model_dump_json())


def _request() -> ReviewRequested:
    return ReviewRequested(
        occurred_at=NOW,
        review_id=review_id_of("bench"),
        case=case("bench"),
        reason="adverse",
        inclusion_probability=1.0,
        routing_version="bench",
    )
