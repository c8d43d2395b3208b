"""The queue's head: who gets which seat next, and what they hold.

Whoever leases finds a seat by `SKIP LOCKED` and waits for nobody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from services.review_queue.people import audit
from services.review_queue.reviewing.opinion_rows import parse_opinion
from services.review_queue.reviewing.refusals import why_not_held
from services.review_queue.reviewing.review import Assignment, Priority
from services.review_queue.reviewing.states import LEASE
from shared.auth.principal import Person
from shared.errors import Conflict, NotFound
from shared.events import Opinion, ReviewRequested
from shared.storage.database import Connection, Database

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('review_queue ' || $1, 0))"
_COUNT_HELD = """
SELECT count(a.*) AS held, u.paused_by, u.paused_why
FROM (SELECT $1::text AS name) AS me
LEFT JOIN review_queue.users AS u USING (name)
LEFT JOIN review_queue.assignments AS a ON a.reviewer = me.name AND a.state = 'leased'
GROUP BY u.paused_by, u.paused_why
"""
_LEASE = f"""
WITH next AS MATERIALIZED (
    SELECT review_id, seat FROM review_queue.seats AS s
    WHERE state = '{LEASE.before}' AND {{wanted}} AND NOT EXISTS (
        SELECT FROM review_queue.assignments AS a
        WHERE a.review_id = s.review_id AND a.reviewer = $1 AND (
            a.state IN ('leased', 'submitted', 'answered', 'escalated')
            OR a.state = 'released' AND NOT a.revoked
                AND a.ended_at > now() - $2::interval))
    ORDER BY queue_rank LIMIT 1
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE review_queue.seats AS s SET state = '{LEASE.after}'
    FROM next WHERE s.review_id = next.review_id AND s.seat = next.seat
    RETURNING s.review_id, s.seat, s.kind
), leased AS (
    INSERT INTO review_queue.assignments
        (review_id, seat, reviewer, lease_expires_at, label_before, committed_at)
    SELECT review_id, seat, $1, now() + $3::interval, earlier.label_before, earlier.committed_at
    FROM taken LEFT JOIN LATERAL (
        -- Who has committed once has seen the model's answer.
        SELECT a.label_before, a.committed_at FROM review_queue.assignments AS a
        WHERE a.review_id = taken.review_id AND a.reviewer = $1 AND a.committed_at IS NOT NULL
        LIMIT 1
    ) AS earlier ON true
    RETURNING *
)
SELECT leased.*, kind, blind, body FROM leased
JOIN taken USING (review_id) JOIN review_queue.reviews USING (review_id)
JOIN review_queue.requests USING (review_id)
"""  # noqa: S608
_SELECT_HELD = """
SELECT a.*, s.kind, r.blind, q.body FROM review_queue.assignments AS a
JOIN review_queue.seats AS s USING (review_id, seat)
JOIN review_queue.reviews AS r USING (review_id)
JOIN review_queue.requests AS q USING (review_id)
WHERE a.reviewer = $1 AND a.state = 'leased' AND a.lease_expires_at > now()
    AND ($2::uuid IS NULL OR a.assignment_id = $2)
ORDER BY a.leased_at, a.token
"""
# Not what can still be undone.
_SETTLED_OPINIONS = """
SELECT o.*, s.kind
FROM review_queue.opinions AS o JOIN review_queue.seats AS s USING (review_id, seat)
WHERE review_id = $1 AND s.state = 'answered' ORDER BY seat
"""
_ESCALATED_WHY = """
SELECT ended_why FROM review_queue.assignments
WHERE review_id = $1 AND state = 'escalated' ORDER BY ended_at DESC LIMIT 1
"""
_ORDINARY_SEATS = "kind <> 'final'"
# Whoever has the final word has in front of them what the others say.
_FINAL_SEATS = """kind = 'final' AND NOT EXISTS (
    SELECT FROM review_queue.seats AS other WHERE other.review_id = s.review_id
        AND other.seat <> s.seat AND other.state NOT IN ('answered', 'withdrawn'))"""


@dataclass(frozen=True)
class Limits:
    """How long things last, and how many cases a reviewer may hold."""

    lease: timedelta
    undo: timedelta
    skip: timedelta
    leases_per_reviewer: int


class Leasing:
    def __init__(self, database: Database, limits: Limits) -> None:
        self.database = database
        self.limits = limits

    async def lease(
        self, reviewer: Person, *, task: str | None = None, priority: Priority | None = None
    ) -> Assignment | None:
        """The next seat of the queue, or nothing; `Conflict` if the reviewer may have no more.

        Seniors get what was disputed or escalated before anything else.
        """
        async with self.database.transaction() as connection:
            if await admit_reviewer(connection, reviewer) >= self.limits.leases_per_reviewer:
                raise Conflict(
                    f"you hold {self.limits.leases_per_reviewer} cases; decide or release one"
                )
            wanted = {"task": task, "priority": priority}
            row = await self._lease_next(connection, reviewer, wanted)
            if row is None:
                return None
            await audit.record(connection, reviewer, "leased", row["review_id"], seat=row["seat"])
            return await load_assignment(connection, row)

    async def _lease_next(
        self, connection: Connection, reviewer: Person, wanted: Mapping[str, object]
    ) -> "asyncpg.Record | None":
        filters = {name: value for name, value in wanted.items() if value is not None}
        clauses = [f"{name} = ${number}" for number, name in enumerate(filters, start=4)]
        for seats in (_FINAL_SEATS, _ORDINARY_SEATS) if reviewer.senior else (_ORDINARY_SEATS,):
            row = await connection.fetchrow(
                _LEASE.format(wanted=" AND ".join([seats, *clauses])),
                reviewer.name,
                self.limits.skip,
                self.limits.lease,
                *filters.values(),
            )
            if row is not None:
                return row
        return None

    async def held(self, reviewer: str) -> list[Assignment]:
        """What the reviewer holds at present, oldest lease first."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_SELECT_HELD, reviewer, None)
            return [await load_assignment(connection, row) for row in rows]

    async def assignment(self, assignment_id: UUID, reviewer: str) -> Assignment:
        """One that the reviewer holds; `NotFound`, with what became of it, otherwise."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_SELECT_HELD, reviewer, assignment_id)
            if row is None:
                raise NotFound(await why_not_held(connection, assignment_id, reviewer))
            return await load_assignment(connection, row)


async def admit_reviewer(connection: Connection, reviewer: Person) -> int:
    """Before a reviewer gets a seat: how many they hold; `Conflict` if they are paused."""
    await lock_reviewer(connection, reviewer.name)
    row = await connection.fetchrow(_COUNT_HELD, reviewer.name)
    assert row is not None
    if row["paused_by"]:
        raise Conflict(f"{row['paused_by']} paused you: {row['paused_why']}")
    held: int = row["held"]
    return held


async def lock_reviewer(connection: Connection, name: str) -> None:
    """One reviewer's requests follow each other: nobody leases more than they may, or while they
    are being paused."""
    await connection.execute(_LOCK, name)


async def load_assignment(connection: Connection, row: "asyncpg.Record") -> Assignment:
    """Of a row with its `kind`, `blind` and `body`; on a final seat with the dispute."""
    opinions: Sequence[Opinion] = ()
    escalated_why = None
    if row["kind"] == "final":
        opinion_rows = await connection.fetch(_SETTLED_OPINIONS, row["review_id"])
        opinions = [parse_opinion(each) for each in opinion_rows]
        escalated_why = await connection.fetchval(_ESCALATED_WHY, row["review_id"])
    return Assignment(
        assignment_id=row["assignment_id"],
        token=row["token"],
        state=row["state"],
        kind=row["kind"],
        leased_at=row["leased_at"],
        lease_expires_at=row["lease_expires_at"],
        label_before=row["label_before"],
        blind=row["blind"],
        request=ReviewRequested.model_validate_json(row["body"]),
        opinions=tuple(opinions),
        escalated_why=escalated_why,
    )
