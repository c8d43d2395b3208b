"""The queue as it stands, for reading: counts, pages of seats, one review with all that was said.

Counting never touches completed reviews, except those of the last day.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.review_queue.reading.review_detail import ReviewDetail, load_review_detail
from services.review_queue.reviewing.review import ListedReason, Priority
from services.review_queue.reviewing.states import Kind, SeatState
from shared.auth.permissions import REVIEWERS, SENIORS
from shared.storage.database import Database
from shared.tasks.fields import key_of

_COUNTS = """
SELECT task, reason, kind, state, count(*) AS seats, min(requested_at) AS oldest_requested_at
FROM review_queue.seats WHERE state IN ('queued', 'leased', 'submitted')
GROUP BY task, reason, kind, state
UNION ALL
SELECT task, reason, kind, state, count(*), min(requested_at)
FROM review_queue.seats JOIN review_queue.reviews USING (review_id)
WHERE completed_at > now() - interval '24 hours'
GROUP BY task, reason, kind, state
ORDER BY task, reason, kind, state
"""
_STRANDED = """
SELECT count(*) FROM review_queue.seats AS s
WHERE state = 'queued' AND {wanted} AND NOT EXISTS (
    SELECT FROM review_queue.users AS u
    WHERE u.active AND u.role = ANY($1) AND NOT EXISTS (
        SELECT FROM review_queue.assignments AS a
        WHERE a.review_id = s.review_id AND a.reviewer = u.name
            AND a.state IN ('leased', 'submitted', 'answered', 'escalated')))
"""
_FINAL_SEATS = "kind = 'final'"
# Before a case needs its final word, three reviewers can have it at most.
_FURTHER_SEATS = """kind IN ('second', 'further') AND 3 >= (
    SELECT count(*) FROM review_queue.users AS u WHERE u.active AND u.role = ANY($1))"""
_COUNTS_LAST_SECONDS = 1.0
LAST_POSITION = 2**63 - 1  # behind every position
_PAGE = """
SELECT s.*, r.case_id, r.claim_id, r.label, r.completed_at, a.reviewer
FROM (SELECT position, review_id, seat, kind, state, task, reason, priority, amount, requested_at
      FROM review_queue.seats WHERE position > $1 AND position < $2 {wanted}
      ORDER BY position {order} LIMIT $3) AS s
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
_SEARCH = """
SELECT r.review_id, r.case_id, r.claim_id, s.task, s.state, r.label, r.completed_at, s.requested_at
FROM review_queue.reviews AS r
JOIN review_queue.seats AS s ON s.review_id = r.review_id AND s.seat = 1
WHERE r.case_id = $1 OR r.claim_id = $1 OR r.group_id = ANY($2) OR r.review_id = $1
ORDER BY s.position DESC LIMIT 50
"""


@dataclass(frozen=True)
class SeatCount:
    """How many seats have one task, reason, kind and state; completed ones of the last 24 hours."""

    task: str
    reason: ListedReason
    kind: Kind
    state: SeatState
    seats: int
    oldest_requested_at: datetime


@dataclass(frozen=True)
class ListedSeat:
    """A seat in a list, without its case. `reviewer` holds it or has answered it."""

    position: int
    review_id: str
    seat: int
    kind: Kind
    case_id: str
    claim_id: str | None
    task: str
    reason: ListedReason
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
    reason: ListedReason | None = None
    priority: int | None = None
    kind: Kind | None = None
    state: SeatState | None = None
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    requested_before: datetime | None = None


@dataclass(frozen=True)
class SearchHit:
    """A review that a search found."""

    review_id: str
    case_id: str
    claim_id: str | None
    task: str
    state: SeatState
    label: str | None
    requested_at: datetime
    completed_at: datetime | None


class Listing:
    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.database = database
        self.clock = clock
        self._counting = asyncio.Lock()
        self._counts: list[SeatCount] = []
        self._counts_last_until = float("-inf")

    async def counts(self) -> list[SeatCount]:
        """At most a second old, or ten times as long as counting takes, however many ask."""
        async with self._counting:
            started = self.clock()
            if started >= self._counts_last_until:
                async with self.database.transaction() as connection:
                    rows = await connection.fetch(_COUNTS)
                self._counts = [SeatCount(**row) for row in rows]
                took = self.clock() - started
                self._counts_last_until = started + max(_COUNTS_LAST_SECONDS, 10 * took)
            return self._counts

    async def count_stranded(self) -> tuple[int, int]:
        """How many cases wait for a further opinion, and how many for a final word, that nobody at
        work may give, as each of them has given an opinion already."""
        further, final = (
            _STRANDED.format(wanted=_FURTHER_SEATS),
            _STRANDED.format(wanted=_FINAL_SEATS),
        )
        async with self.database.transaction() as connection:
            return (
                await connection.fetchval(further, REVIEWERS),
                await connection.fetchval(final, SENIORS),
            )

    async def page(
        self,
        filters: Filters,
        *,
        limit: int,
        after: int | None = None,
        before: int | None = None,
        backwards: bool = False,
    ) -> list[ListedSeat]:
        """Seats between two positions in the order of their arrival: the first of them, or
        `backwards` the last."""
        wanted = {name: value for name, value in vars(filters).items() if value is not None}
        clauses = [
            f"AND {_FILTERS[name].format(f'${number}')}"
            for number, name in enumerate(wanted, start=4)
        ]
        statement = _PAGE.format(wanted=" ".join(clauses), order="DESC" if backwards else "ASC")
        bounds = (after or 0, before or LAST_POSITION)
        async with self.database.transaction() as connection:
            rows = await connection.fetch(statement, *bounds, limit, *wanted.values())
        return [ListedSeat(**row) for row in rows]

    async def search(self, text: str) -> list[SearchHit]:
        """The newest reviews of a case, a claim or a member, by the whole id."""
        groups = [text, f"member:{key_of(text)}", f"claim:{key_of(text)}"]
        async with self.database.transaction() as connection:
            return [SearchHit(**row) for row in await connection.fetch(_SEARCH, text, groups)]

    async def answered_by(self, reviewer: str, review_ids: Sequence[str]) -> list[str]:
        """The reviews among these on which the reviewer gave an opinion."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT review_id FROM review_queue.opinions "
                "WHERE review_id = ANY($1) AND reviewer = $2",
                review_ids,
                reviewer,
            )
        return [row["review_id"] for row in rows]

    async def detail(self, review_id: str) -> ReviewDetail:
        async with self.database.transaction() as connection:
            return await load_review_detail(connection, review_id)
