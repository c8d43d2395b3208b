"""The queue: leases in and out of it, fenced by token, timed by the database's clock.

Every statement locks an assignment before its review, so that no two of them deadlock; whoever
leases finds the review by `SKIP LOCKED` and waits for nobody.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

import asyncpg

from services.review_queue.opinions import Answer, check
from services.review_queue.reviews import Assignment, Priority
from shared.database import Connection, Database
from shared.errors import Conflict, Rejected
from shared.events import ReviewRequested

# One reviewer's requests follow each other, so that nobody leases more than is allowed.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('review_queue ' || $1, 0))"
_HELD = "SELECT count(*) FROM review_queue.assignments WHERE reviewer = $1 AND state = 'leased'"
_LEASE = """
WITH next AS MATERIALIZED (
    SELECT review_id FROM review_queue.reviews AS r
    WHERE state = 'queued' {wanted} AND NOT EXISTS (
        SELECT FROM review_queue.assignments AS a
        WHERE a.review_id = r.review_id AND a.reviewer = $1
            AND a.state = 'released' AND a.released_at > now() - $2::interval)
    ORDER BY place LIMIT 1
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE review_queue.reviews AS r SET state = 'leased'
    FROM next WHERE r.review_id = next.review_id
    RETURNING r.review_id
), leased AS (
    INSERT INTO review_queue.assignments (review_id, reviewer, lease_expires_at)
    SELECT review_id, $1, now() + $3::interval FROM taken
    RETURNING *
)
SELECT leased.*, body FROM leased JOIN review_queue.requests USING (review_id)
"""
# From here on, a token that is not the newest, or a lease that is over, changes no row.
_HEARTBEAT = """
UPDATE review_queue.assignments SET lease_expires_at = now() + $4::interval,
    opened_at = CASE WHEN $5 THEN coalesce(opened_at, now()) ELSE opened_at END
WHERE assignment_id = $1 AND reviewer = $2 AND token = $3
    AND state = 'leased' AND lease_expires_at > now()
RETURNING lease_expires_at
"""
_RELEASE = """
UPDATE review_queue.assignments
SET state = 'released', released_at = now(), release_reason = $4
WHERE assignment_id = $1 AND reviewer = $2 AND token = $3
    AND state = 'leased' AND lease_expires_at > now()
RETURNING review_id
"""
_SUBMIT = """
UPDATE review_queue.assignments SET state = 'submitted'
WHERE assignment_id = $1 AND reviewer = $2 AND token = $3
    AND state = 'leased' AND lease_expires_at > now()
RETURNING review_id, extract(epoch FROM now() - coalesce(opened_at, leased_at))::float8 AS dwell
"""
_UNDO = """
UPDATE review_queue.assignments AS a SET state = 'leased',
    token = nextval('review_queue.fencing'), lease_expires_at = now() + $4::interval
FROM review_queue.requests AS q
WHERE assignment_id = $1 AND reviewer = $2 AND token = $3
    AND state = 'submitted' AND q.review_id = a.review_id
RETURNING a.*, body
"""
_TAKE_BACK = """
UPDATE review_queue.reviews SET state = 'leased', settles_at = NULL
WHERE review_id = $1 AND state = 'submitted' AND settles_at > now()
RETURNING review_id
"""
_ADD_OPINION = """
INSERT INTO review_queue.opinions
    (review_id, reviewer, label, reasoning, reason_code, approved_amount, criterion, dwell_seconds)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


class NotFound(Rejected):
    """There is no such thing, or it is not the caller's (HTTP 404)."""


@dataclass(frozen=True)
class Hold:
    """Who acts on which assignment, and the token that he has for it."""

    assignment_id: UUID
    reviewer: str
    token: int

    @property
    def key(self) -> tuple[UUID, str, int]:
        return self.assignment_id, self.reviewer, self.token


@dataclass(frozen=True)
class Submitted:
    """An opinion that can be undone until it settles."""

    review_id: str
    settles_at: datetime


@dataclass(frozen=True)
class Limits:
    """How long things last, and how many cases a reviewer may hold."""

    lease: timedelta
    undo: timedelta
    skip: timedelta
    leases_per_reviewer: int


class Store:
    def __init__(self, database: Database, limits: Limits) -> None:
        self.database = database
        self.limits = limits

    async def lease(
        self, reviewer: str, *, task: str | None = None, priority: Priority | None = None
    ) -> Assignment | None:
        """The next review in line, or nothing; `Conflict` if the reviewer holds enough."""
        filters = {"task": task, "priority": priority}
        wanted = {name: value for name, value in filters.items() if value is not None}
        clauses = [f"AND {name} = ${place}" for place, name in enumerate(wanted, start=4)]
        async with self.database.transaction() as connection:
            await connection.execute(_ONE_AT_A_TIME, reviewer)
            if await connection.fetchval(_HELD, reviewer) >= self.limits.leases_per_reviewer:
                raise Conflict(
                    f"you hold {self.limits.leases_per_reviewer} cases; decide or release one"
                )
            row = await connection.fetchrow(
                _LEASE.format(wanted=" ".join(clauses)),
                reviewer,
                self.limits.skip,
                self.limits.lease,
                *wanted.values(),
            )
        return _assignment(row) if row else None

    async def held(self, reviewer: str) -> list[Assignment]:
        """What the reviewer holds at present, oldest lease first."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT a.*, body FROM review_queue.assignments AS a "
                "JOIN review_queue.requests USING (review_id) "
                "WHERE reviewer = $1 AND state = 'leased' AND lease_expires_at > now() "
                "ORDER BY leased_at, token",
                reviewer,
            )
        return [_assignment(row) for row in rows]

    async def assignment(self, assignment_id: UUID, reviewer: str) -> Assignment:
        """One that the reviewer holds; `NotFound` otherwise."""
        for assignment in await self.held(reviewer):
            if assignment.assignment_id == assignment_id:
                return assignment
        raise NotFound("you do not hold this assignment")

    async def heartbeat(self, hold: Hold, *, opened: bool) -> datetime:
        """Prolong the lease and return its new end. `opened`: the reviewer now looks at it."""
        async with self.database.transaction() as connection:
            expires_at: datetime | None = await connection.fetchval(
                _HEARTBEAT, *hold.key, self.limits.lease, opened
            )
            if expires_at is None:
                await _refuse(connection, hold)
        return expires_at

    async def release(self, hold: Hold, reason: str) -> None:
        """Give the review back: to the others at once, to this reviewer later."""
        async with self.database.transaction() as connection:
            review_id = await connection.fetchval(_RELEASE, *hold.key, reason)
            if review_id is None:
                await _refuse(connection, hold)
            await connection.execute(
                "UPDATE review_queue.reviews SET state = 'queued' WHERE review_id = $1", review_id
            )

    async def submit(self, hold: Hold, answer: Answer) -> Submitted:
        """Take the opinion; it settles after the time for undoing it."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_SUBMIT, *hold.key)
            if row is None:
                await _refuse(connection, hold)
            review_id = row["review_id"]
            check(answer, (await _request(connection, review_id)).case)
            await _add_opinion(connection, review_id, hold, answer, row["dwell"])
            settles_at = await connection.fetchval(
                "UPDATE review_queue.reviews SET state = 'submitted', "
                "settles_at = now() + $2::interval WHERE review_id = $1 RETURNING settles_at",
                review_id,
                self.limits.undo,
            )
        return Submitted(review_id, settles_at)

    async def undo(self, hold: Hold) -> Assignment:
        """Take a submitted opinion back; the reviewer holds the case again, under a new token."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_UNDO, *hold.key, self.limits.lease)
            if row is None:
                await _refuse(connection, hold)
            if await connection.fetchval(_TAKE_BACK, row["review_id"]) is None:
                raise Conflict("the decision has left; correct it instead")
            await connection.execute(
                "DELETE FROM review_queue.opinions WHERE review_id = $1 AND reviewer = $2",
                row["review_id"],
                hold.reviewer,
            )
        return _assignment(row)


async def _add_opinion(
    connection: Connection, review_id: str, hold: Hold, answer: Answer, dwell_seconds: float
) -> None:
    await connection.execute(
        _ADD_OPINION,
        review_id,
        hold.reviewer,
        answer.label,
        answer.reasoning,
        answer.reason_code,
        answer.approved_amount,
        answer.criterion.model_dump_json() if answer.criterion else None,
        dwell_seconds,
    )


async def _request(connection: Connection, review_id: str) -> ReviewRequested:
    body = await connection.fetchval(
        "SELECT body FROM review_queue.requests WHERE review_id = $1", review_id
    )
    return ReviewRequested.model_validate_json(body)


async def _refuse(connection: Connection, hold: Hold) -> NoReturn:
    """Say why an assignment is not the caller's to act on (any more)."""
    row = await connection.fetchrow(
        "SELECT state, token, lease_expires_at > now() AS leased "
        "FROM review_queue.assignments WHERE assignment_id = $1 AND reviewer = $2",
        hold.assignment_id,
        hold.reviewer,
    )
    if row is None:
        raise NotFound("you have no such assignment")
    if row["state"] == "submitted":
        raise Conflict("this case was submitted already")
    if row["state"] == "released":
        raise Conflict("this case was given back")
    if row["state"] == "leased" and row["token"] != hold.token:
        raise Conflict("the token is not the newest of this assignment", field="token")
    if row["state"] == "leased" and row["leased"]:
        raise Conflict("this case is not submitted; nothing to undo")
    raise Conflict("the lease has expired; nothing was counted")


def _assignment(row: "asyncpg.Record") -> Assignment:
    return Assignment(
        assignment_id=row["assignment_id"],
        token=row["token"],
        state=row["state"],
        leased_at=row["leased_at"],
        lease_expires_at=row["lease_expires_at"],
        request=ReviewRequested.model_validate_json(row["body"]),
    )
