"""The queue as it stands, for reading: counts, pages of reviews, one review with all that was said.

Counting never touches what is completed, except the last day of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.review_queue.reviews import Priority, ReviewState
from services.review_queue.settlement import opinion
from services.review_queue.store import NotFound
from shared.database import Database
from shared.events import Opinion, ReviewRequested, RouteReason

_COUNTS = """
SELECT task, reason, state, count(*) AS reviews, min(requested_at) AS oldest_requested_at
FROM review_queue.reviews WHERE state IN ('queued', 'leased', 'submitted')
GROUP BY task, reason, state
UNION ALL
SELECT task, reason, state, count(*), min(requested_at)
FROM review_queue.reviews
WHERE state = 'completed' AND completed_at > now() - interval '24 hours'
GROUP BY task, reason, state
"""
_LISTED = """
SELECT position, review_id, case_id, task, reason, priority, state, requested_at, completed_at,
    (SELECT reviewer FROM review_queue.assignments AS a
     WHERE a.review_id = r.review_id AND a.state IN ('leased', 'submitted')) AS reviewer
FROM review_queue.reviews AS r
WHERE position > $1 {wanted} ORDER BY position LIMIT $2
"""


@dataclass(frozen=True)
class Count:
    """So many reviews of one task, reason and state. Completed ones: of the last 24 hours."""

    task: str
    reason: RouteReason
    state: ReviewState
    reviews: int
    oldest_requested_at: datetime


@dataclass(frozen=True)
class Listed:
    """A review in a list, without its case. `reviewer` holds it or has decided it."""

    position: int
    review_id: str
    case_id: str
    task: str
    reason: RouteReason
    priority: Priority
    state: ReviewState
    requested_at: datetime
    completed_at: datetime | None
    reviewer: str | None


@dataclass(frozen=True)
class Revision:
    """One change of a decision after it had left."""

    revision: int
    label: str
    reasoning: str
    approved_amount: float | None
    why: str
    corrected_by: str
    corrected_at: datetime


@dataclass(frozen=True)
class Detail:
    """A review with its case and everything that was said of it."""

    state: ReviewState
    completed_at: datetime | None
    request: ReviewRequested
    opinions: tuple[Opinion, ...]
    corrections: tuple[Revision, ...]


class Listing:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def counts(self) -> list[Count]:
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_COUNTS)
        counts = [Count(**dict(row)) for row in rows]
        return sorted(counts, key=lambda count: (count.task, count.reason, count.state))

    async def page(
        self,
        *,
        after: int,
        limit: int,
        task: str | None = None,
        reason: RouteReason | None = None,
        state: ReviewState | None = None,
    ) -> list[Listed]:
        """Reviews in the order of their arrival, behind the position `after`."""
        filters = {"task": task, "reason": reason, "state": state}
        wanted = {name: value for name, value in filters.items() if value is not None}
        clauses = [f"AND {name} = ${place}" for place, name in enumerate(wanted, start=3)]
        statement = _LISTED.format(wanted=" ".join(clauses))
        async with self.database.transaction() as connection:
            rows = await connection.fetch(statement, after, limit, *wanted.values())
        return [Listed(**dict(row)) for row in rows]

    async def detail(self, review_id: str) -> Detail:
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT state, completed_at, body FROM review_queue.reviews "
                "JOIN review_queue.requests USING (review_id) WHERE review_id = $1",
                review_id,
            )
            if row is None:
                raise NotFound("no such review")
            opinions = await connection.fetch(
                "SELECT * FROM review_queue.opinions WHERE review_id = $1 ORDER BY decided_at",
                review_id,
            )
            corrections = await connection.fetch(
                "SELECT * FROM review_queue.corrections WHERE review_id = $1 ORDER BY revision",
                review_id,
            )
        return _detail(row, opinions, corrections)


def _detail(
    row: "asyncpg.Record",
    opinions: Sequence["asyncpg.Record"],
    corrections: Sequence["asyncpg.Record"],
) -> Detail:
    return Detail(
        state=row["state"],
        completed_at=row["completed_at"],
        request=ReviewRequested.model_validate_json(row["body"]),
        opinions=tuple(opinion(row) for row in opinions),
        corrections=tuple(_revision(row) for row in corrections),
    )


def _revision(row: "asyncpg.Record") -> Revision:
    amount = row["approved_amount"]
    return Revision(
        revision=row["revision"],
        label=row["label"],
        reasoning=row["reasoning"],
        approved_amount=None if amount is None else float(amount),
        why=row["why"],
        corrected_by=row["corrected_by"],
        corrected_at=row["corrected_at"],
    )
