"""Processes that do nothing but settle, on reviews that are all due: where they get in each
other's way, it shows.

Run as a module, this is one of them: it says that it is ready, waits for a line, settles what is
due and ends.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.review_queue.app import MIGRATIONS, NAME
from services.review_queue.reviewing.settlement import Settlement
from shared.messaging.outbox import Outbox
from shared.settings import EngineSettings
from shared.storage.database import Connection, Database

# Of the second opinions, a third says something else, so that seats are added, too.
_ANSWER_ALL = """
WITH leased AS (
    INSERT INTO review_queue.assignments (review_id, seat, reviewer, state, lease_expires_at)
    SELECT review_id, seat, 'reviewer-' || seat, 'submitted', now() + interval '1 hour'
    FROM review_queue.seats WHERE state = 'queued' RETURNING review_id, seat, reviewer
), said AS (
    INSERT INTO review_queue.opinions
        (review_id, seat, reviewer, label, reasoning, reason_code, dwell_seconds)
    SELECT review_id, seat, reviewer,
        CASE WHEN seat = 2 AND hashtext(review_id) % 3 = 0 THEN 'PENDING' ELSE 'APPROVED' END,
        'read', 'RECORDS_NEEDED', 1
    FROM leased
)
UPDATE review_queue.seats SET state = 'submitted', settles_at = now() WHERE state = 'queued'
"""
_DUE = "SELECT count(*) FROM review_queue.seats WHERE state = 'submitted'"


async def answer_all(connection: Connection) -> None:
    """Somebody has submitted an opinion on every seat of the queue, and it cannot be undone."""
    await connection.execute(_ANSWER_ALL, timeout=600)


class SettlingProcess:
    """A process that settles what is due, and can be killed at it."""

    def __init__(self, database_url: str) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.support.crowd.settling", database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    async def ready(self) -> None:
        assert self.child.stdout is not None
        assert await asyncio.to_thread(self.child.stdout.readline), "it ended before its start"

    def go(self) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(b"\n")
        self.child.stdin.flush()

    async def end(self) -> None:
        assert await asyncio.to_thread(self.child.wait) == 0

    def kill(self) -> None:
        self.child.kill()
        self.child.communicate()


@asynccontextmanager
async def settling_processes(
    database_url: str, number: int
) -> AsyncIterator[Sequence[SettlingProcess]]:
    """So many processes, which wait until they are told to go."""
    started = [SettlingProcess(database_url) for _ in range(number)]
    try:
        for process in started:
            await process.ready()
        yield started
    finally:
        for process in started:
            process.kill()


async def _settle_all(database_url: str) -> None:
    settings = EngineSettings.model_validate({"database_url": database_url})
    database = Database(settings, schema=NAME, migrations=MIGRATIONS)
    await database.open()
    settlement = Settlement(database, Outbox(database, service=NAME))
    print("ready", flush=True)
    sys.stdin.readline()
    left = 1
    while left:
        await settlement.settle()
        async with database.transaction() as connection:
            left = await connection.fetchval(_DUE)
    await database.close()


if __name__ == "__main__":
    asyncio.run(_settle_all(sys.argv[1]))
