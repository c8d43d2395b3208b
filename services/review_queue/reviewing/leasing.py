"""The line: who gets which seat next, and what he holds.

Whoever leases finds a seat by `SKIP LOCKED` and waits for nobody but himself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from services.review_queue.people import audit
from services.review_queue.reviewing.opinion_rows import opinion
from services.review_queue.reviewing.review import Assignment, Priority
from services.review_queue.reviewing.states import LEASE
from shared.auth.principal import Actor
from shared.errors import Conflict, NotFound
from shared.events import Opinion, ReviewRequested
from shared.storage.database import Connection, Database

# One reviewer's requests follow each other, so that nobody leases more than is allowed.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('review_queue ' || $1, 0))"
_HELD = """
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
_MINE = """
SELECT a.*, s.kind, r.blind, q.body FROM review_queue.assignments AS a
JOIN review_queue.seats AS s USING (review_id, seat)
JOIN review_queue.reviews AS r USING (review_id)
JOIN review_queue.requests AS q USING (review_id)
WHERE a.reviewer = $1 AND a.state = 'leased' AND a.lease_expires_at > now()
    AND ($2::uuid IS NULL OR a.assignment_id = $2)
ORDER BY a.leased_at, a.token
"""
# Not what can still be taken back.
_SAID = """
SELECT o.* FROM review_queue.opinions AS o JOIN review_queue.seats AS s USING (review_id, seat)
WHERE review_id = $1 AND s.state = 'answered' ORDER BY seat
"""
_ORDINARY = "kind <> 'final'"
# Whoever has the final word has in front of him what the others say.
_FINAL = """kind = 'final' AND NOT EXISTS (
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
        self, reviewer: Actor, *, task: str | None = None, priority: Priority | None = None
    ) -> Assignment | None:
        """The next seat in line, or nothing; `Conflict` if the reviewer may have no more.

        Seniors get what was disputed or escalated before anything else.
        """
        async with self.database.transaction() as connection:
            if await begin(connection, reviewer) >= self.limits.leases_per_reviewer:
                raise Conflict(
                    f"you hold {self.limits.leases_per_reviewer} cases; decide or release one"
                )
            row = None
            for kind in (_FINAL, _ORDINARY) if reviewer.senior else (_ORDINARY,):
                row = row or await self._next(connection, reviewer, kind, task, priority)
            if row is None:
                return None
            await audit.record(connection, reviewer, "leased", row["review_id"], seat=row["seat"])
            return await assignment(connection, row)

    async def _next(
        self,
        connection: Connection,
        reviewer: Actor,
        kind: str,
        task: str | None,
        priority: Priority | None,
    ) -> "asyncpg.Record | None":
        filters = {"task": task, "priority": priority}
        wanted = {name: value for name, value in filters.items() if value is not None}
        clauses = [kind, *(f"{name} = ${number}" for number, name in enumerate(wanted, start=4))]
        return await connection.fetchrow(
            _LEASE.format(wanted=" AND ".join(clauses)),
            reviewer.name,
            self.limits.skip,
            self.limits.lease,
            *wanted.values(),
        )

    async def held(self, reviewer: str) -> list[Assignment]:
        """What the reviewer holds at present, oldest lease first."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_MINE, reviewer, None)
            return [await assignment(connection, row) for row in rows]

    async def assignment(self, assignment_id: UUID, reviewer: str) -> Assignment:
        """One that the reviewer holds; `NotFound` otherwise."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_MINE, reviewer, assignment_id)
            if row is None:
                raise NotFound("you do not hold this assignment")
            return await assignment(connection, row)


async def begin(connection: Connection, reviewer: Actor) -> int:
    """Before a reviewer gets a seat: how many he holds; `Conflict` if he is paused."""
    await connection.execute(ONE_AT_A_TIME, reviewer.name)
    now = await connection.fetchrow(_HELD, reviewer.name)
    assert now is not None
    if now["paused_by"]:
        raise Conflict(f"{now['paused_by']} paused you: {now['paused_why']}")
    held: int = now["held"]
    return held


async def assignment(connection: Connection, row: "asyncpg.Record") -> Assignment:
    """Read an assignment with its kind, `blind` and `body`; on a final seat with the dispute."""
    opinions: Sequence[Opinion] = ()
    escalated = None
    if row["kind"] == "final":
        said = await connection.fetch(_SAID, row["review_id"])
        opinions = [opinion(each) for each in said]
        escalated = await connection.fetchval(
            "SELECT ended_why FROM review_queue.assignments WHERE review_id = $1 "
            "AND state = 'escalated' ORDER BY ended_at DESC LIMIT 1",
            row["review_id"],
        )
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
        escalated_why=escalated,
    )
