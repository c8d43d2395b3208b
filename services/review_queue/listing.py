"""The queue as it stands, for reading: counts, pages of seats, one review with all that was said.

Counting never touches what is completed, except the last day of it.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import asyncpg

from services.review_queue.given import opinion
from services.review_queue.line import NotFound
from services.review_queue.reviews import Priority
from services.review_queue.states import Kind, SeatState
from shared.database import Connection, Database
from shared.events import Opinion, ReviewRequested, RouteReason

_COUNTS = """
SELECT task, reason, kind, state, count(*) AS seats, min(requested_at) AS oldest_requested_at
FROM review_queue.seats WHERE state IN ('queued', 'leased', 'submitted')
GROUP BY task, reason, kind, state
UNION ALL
SELECT task, reason, kind, state, count(*), min(requested_at)
FROM review_queue.seats JOIN review_queue.reviews USING (review_id)
WHERE completed_at > now() - interval '24 hours'
GROUP BY task, reason, kind, state
"""
_COUNTS_LAST_SECONDS = 1.0
_LISTED = """
SELECT s.*, r.case_id, r.claim_id, r.label, r.completed_at, a.reviewer
FROM (SELECT position, review_id, seat, kind, state, task, reason, priority, amount, requested_at
      FROM review_queue.seats WHERE position > $1 {wanted} ORDER BY position LIMIT $2) AS s
JOIN review_queue.reviews AS r USING (review_id)
LEFT JOIN review_queue.assignments AS a ON a.review_id = s.review_id AND a.seat = s.seat
    AND a.state IN ('leased', 'submitted', 'answered')
ORDER BY position
"""
_FILTERS = {
    "task": "task = {}",
    "reason": "reason = {}",
    "priority": "priority = {}",
    "kind": "kind = {}",
    "state": "state = {}",
    "amount_from": "amount >= {}",
    "amount_to": "amount <= {}",
    "requested_before": "requested_at < {}",
}
_FOUND = """
SELECT r.review_id, r.case_id, r.claim_id, s.task, s.state, r.label, r.completed_at, s.requested_at
FROM review_queue.reviews AS r JOIN review_queue.seats AS s ON s.review_id = r.review_id AND seat = 1
WHERE r.case_id = $1 OR r.claim_id = $1 OR r.group_id = ANY($2) OR r.review_id = $1
ORDER BY s.position DESC LIMIT 50
"""


@dataclass(frozen=True)
class Count:
    """So many seats of one task, reason, kind and state. Completed ones: of the last 24 hours."""

    task: str
    reason: RouteReason
    kind: Kind
    state: SeatState
    seats: int
    oldest_requested_at: datetime


@dataclass(frozen=True)
class Listed:
    """A seat in a list, without its case. `reviewer` holds it or has answered it."""

    position: int
    review_id: str
    seat: int
    kind: Kind
    case_id: str
    claim_id: str | None
    task: str
    reason: RouteReason
    priority: Priority
    amount: Decimal | None
    state: SeatState
    requested_at: datetime
    completed_at: datetime | None
    label: str | None
    reviewer: str | None


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; amounts in US dollars."""

    task: str | None = None
    reason: RouteReason | None = None
    priority: Priority | None = None
    kind: Kind | None = None
    state: SeatState | None = None
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    requested_before: datetime | None = None


@dataclass(frozen=True)
class Found:
    """A review that a search found."""

    review_id: str
    case_id: str
    claim_id: str | None
    task: str
    state: SeatState
    label: str | None
    requested_at: datetime
    completed_at: datetime | None


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
class Note:
    author: str
    text: str
    written_at: datetime


@dataclass(frozen=True)
class Detail:
    """A review with its case and everything that was said of it. `states`: of its seats."""

    states: tuple[SeatState, ...]
    label: str | None
    completed_at: datetime | None
    withheld: bool
    request: ReviewRequested
    opinions: tuple[Opinion, ...]
    corrections: tuple[Revision, ...]
    notes: tuple[Note, ...]


class Listing:
    def __init__(self, database: Database) -> None:
        self.database = database
        self._counting = asyncio.Lock()
        self._counted: tuple[float, list[Count]] = (float("-inf"), [])

    async def counts(self) -> list[Count]:
        """At most a second old, however many ask."""
        async with self._counting:
            at, counts = self._counted
            if time.monotonic() - at > _COUNTS_LAST_SECONDS:
                async with self.database.transaction() as connection:
                    rows = await connection.fetch(_COUNTS)
                counts = [Count(**row) for row in rows]
                counts.sort(key=lambda count: (count.task, count.reason, count.kind, count.state))
                self._counted = (time.monotonic(), counts)
            return counts

    async def page(self, filters: Filters, *, after: int, limit: int) -> list[Listed]:
        """Seats in the order of their arrival, behind the position `after`."""
        wanted = {name: value for name, value in vars(filters).items() if value is not None}
        clauses = [
            f"AND {_FILTERS[name].format(f'${place}')}" for place, name in enumerate(wanted, start=3)
        ]
        statement = _LISTED.format(wanted=" ".join(clauses))
        async with self.database.transaction() as connection:
            rows = await connection.fetch(statement, after, limit, *wanted.values())
        return [Listed(**row) for row in rows]

    async def search(self, text: str) -> list[Found]:
        """The newest reviews of a case, a claim or a member, by the whole id."""
        groups = [text, f"member:{text}", f"claim:{text}"]
        async with self.database.transaction() as connection:
            return [Found(**row) for row in await connection.fetch(_FOUND, text, groups)]

    async def detail(self, review_id: str) -> Detail:
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT label, completed_at, withheld, body FROM review_queue.reviews "
                "JOIN review_queue.requests USING (review_id) WHERE review_id = $1",
                review_id,
            )
            if row is None:
                raise NotFound("no such review")
            opinions = await _of(connection, "opinions", review_id, order="seat")
            corrections = await _of(connection, "corrections", review_id, order="revision")
            notes = await _of(connection, "notes", review_id, order="note_id")
            seats = await _of(connection, "seats", review_id, order="seat")
        return Detail(
            states=tuple(seat["state"] for seat in seats),
            label=row["label"],
            completed_at=row["completed_at"],
            withheld=row["withheld"],
            request=ReviewRequested.model_validate_json(row["body"]),
            opinions=tuple(opinion(row) for row in opinions),
            corrections=tuple(_revision(row) for row in corrections),
            notes=tuple(Note(row["author"], row["text"], row["written_at"]) for row in notes),
        )


async def _of(
    connection: Connection, table: str, review_id: str, *, order: str
) -> Sequence["asyncpg.Record"]:
    return await connection.fetch(
        f"SELECT * FROM review_queue.{table} WHERE review_id = $1 ORDER BY {order}",  # noqa: S608
        review_id,
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
