"""Four processes settle the same reviews: each gets one decision, and each decision one event.

What a process picks may have been finished by another one since, and only the statement that
changes it can know.
"""

import asyncio
import os

import asyncpg
import pytest

from services.review_queue.reviewing.review import Shares
from tests.connected.review_queue.harness import APPROVED, Queue
from tests.support.crowd.settling import answer_all, settling_processes

# REVIEWS raises it. Without its guards, the settlement of so few sent more than a hundred events
# too many.
_REVIEWS = int(os.environ.get("REVIEWS", "2000"))
_PROCESSES = 4
_KILLED = 2
_AT_ONCE = 1_000
_EVENTS = """
SELECT topic, convert_from(key, 'UTF8') AS case_id, count(*) AS events
FROM review_queue.outbox GROUP BY topic, key
"""
_DECIDED = "SELECT case_id FROM review_queue.reviews WHERE completed_at IS NOT NULL"


async def fill(queue: Queue, reviews: int) -> None:
    """So many reviews whose opinions are all given; one in ten has two."""
    queue.shares = Shares(overlap=0.1, blind=0.0)
    for first in range(0, reviews, _AT_ONCE):
        batch = range(first, min(first + _AT_ONCE, reviews))
        await queue.request(*(f"case-{number}" for number in batch))
    async with queue.database.transaction() as connection:
        await answer_all(connection)
        await connection.execute("ANALYZE", timeout=600)


async def check_decided_once(queue: Queue, *, reviews: int) -> None:
    """Every decided case has one event of each kind, and no other case has any."""
    decided = {row["case_id"] for row in await queue.fetch(_DECIDED)}
    assert len(decided) > 0.9 * reviews  # all but those whose reviewers disagree
    events = await queue.fetch(_EVENTS)
    assert [row for row in events if row["events"] != 1] == []
    for topic in ("decisions.made.v1", "reviews.completed.v1"):
        assert {row["case_id"] for row in events if row["topic"] == topic} == decided


async def test_four_processes_decide_every_case_once(queue: Queue, database: str) -> None:
    await fill(queue, _REVIEWS)
    async with settling_processes(database, _PROCESSES) as processes:
        for process in processes:
            process.go()
        for process in processes:
            await process.end()

    await check_decided_once(queue, reviews=_REVIEWS)


async def test_processes_that_are_killed_decide_every_case_once(
    queue: Queue, database: str
) -> None:
    await fill(queue, _REVIEWS)
    async with settling_processes(database, _PROCESSES + _KILLED) as processes:
        for process in processes[:_PROCESSES]:
            process.go()
        for number, replacement in enumerate(processes[_PROCESSES:], start=1):
            await _decided(queue, at_least=number * _REVIEWS // (_KILLED + 2))
            processes[number - 1].kill()
            replacement.go()
        for process in processes[_KILLED:]:
            await process.end()

    await check_decided_once(queue, reviews=_REVIEWS)


async def _decided(queue: Queue, *, at_least: int) -> None:
    while len(await queue.fetch(_DECIDED)) < at_least:
        await asyncio.sleep(0)


async def test_the_database_refuses_a_second_completion(queue: Queue) -> None:
    await queue.decide("case-1", APPROVED)
    await queue.settle()

    for change in ("completed_at = now()", "label = 'DENIED'", "deciding_seat = 2"):
        with pytest.raises(asyncpg.RaiseError, match="completed once"):
            await queue.fetch(f"UPDATE review_queue.reviews SET {change}")
