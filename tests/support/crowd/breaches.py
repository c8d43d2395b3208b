"""What the queue promises, held against what a crowd of reviewers was told."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from shared.storage.database import Connection
from tests.support.crowd.reviewers import CrowdRecord


@dataclass(frozen=True)
class Breaches:
    """What must never happen, counted in the database."""

    double_leases: int
    excess_opinions: int
    reviewers_twice: int
    uncounted_submits: int  # accepted, and not there
    unknown_opinions: int  # there, and never accepted
    late_submits: int
    lost_drafts: int


_DOUBLE_LEASES = """
SELECT count(*) FROM (
    SELECT leased_at, lag(coalesce(ended_at, 'infinity')) OVER (
        PARTITION BY review_id, seat ORDER BY token) AS before
    FROM review_queue.assignments) AS a
WHERE before > leased_at
"""
_EXCESS_OPINIONS = """
SELECT count(*) FROM (
    SELECT review_id, count(*) AS opinions FROM review_queue.opinions GROUP BY review_id) AS o
JOIN review_queue.reviews AS r USING (review_id) WHERE opinions > wanted
"""
_REVIEWERS_TWICE = """
SELECT count(*) FROM (
    SELECT 1 FROM review_queue.opinions GROUP BY review_id, reviewer HAVING count(*) > 1) AS o
"""


async def count_breaches(database_url: str, *records: CrowdRecord) -> Breaches:
    connection = await asyncpg.connect(database_url)
    try:
        opinions = await _pairs(connection, "SELECT review_id, reviewer FROM review_queue.opinions")
        counted = set().union(*(record.counted for record in records))
        known = counted.union(*(record.unanswered for record in records))
        return Breaches(
            double_leases=await connection.fetchval(_DOUBLE_LEASES),
            excess_opinions=await connection.fetchval(_EXCESS_OPINIONS),
            reviewers_twice=await connection.fetchval(_REVIEWERS_TWICE),
            uncounted_submits=len(counted - opinions),
            unknown_opinions=len(opinions - known),
            late_submits=sum(record.late_and_counted for record in records),
            lost_drafts=await _lost_drafts(connection, records, opinions),
        )
    finally:
        await connection.close()


async def _pairs(connection: Connection, query: str) -> set[tuple[str, str]]:
    return {(row["review_id"], row["reviewer"]) for row in await connection.fetch(query)}


async def _lost_drafts(
    connection: Connection, records: Sequence[CrowdRecord], opinions: set[tuple[str, str]]
) -> int:
    """Drafts of cases that are still open and that their author has not decided."""
    rows = await connection.fetch("SELECT review_id, reviewer, content FROM review_queue.drafts")
    drafts = {(row["review_id"], row["reviewer"]): row["content"] for row in rows}
    done = await connection.fetch(
        "SELECT review_id FROM review_queue.reviews WHERE completed_at IS NOT NULL"
    )
    completed = {row["review_id"] for row in done}
    written = {case: text for record in records for case, text in record.drafts.items()}
    return sum(
        text not in drafts.get(case, "")
        for case, text in written.items()
        if case not in opinions and case[0] not in completed
    )
