"""The reviewers as a lead sees and pauses them: who works on what, who is paused and why.

A paused reviewer holds no case: what they held is revoked in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from services.review_queue.people import audit
from services.review_queue.reviewing.leasing import lock_reviewer
from services.review_queue.reviewing.states import RELEASE, Kind
from shared.auth.permissions import REVIEWERS
from shared.auth.principal import Person
from shared.errors import Conflict, NotFound
from shared.storage.database import Connection, Database

_SELECT_REVIEWERS = """
SELECT u.name, u.role, u.active, u.simulated, u.created_by, u.created_at,
    u.paused_by, u.paused_why, u.paused_at,
    present.holds, present.works_on, today.decided, today.median_seconds, today.last_decided_at
FROM review_queue.users AS u
LEFT JOIN LATERAL (
    SELECT count(*) AS holds,
        coalesce(array_agg(DISTINCT s.task ORDER BY s.task), '{}') AS works_on
    FROM review_queue.assignments AS a JOIN review_queue.seats AS s USING (review_id, seat)
    WHERE a.reviewer = u.name AND a.state = 'leased'
) AS present ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS decided, max(decided_at) AS last_decided_at,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY dwell_seconds) AS median_seconds
    FROM review_queue.opinions AS o
    WHERE o.reviewer = u.name AND o.decided_at > now() - interval '24 hours'
) AS today ON true
WHERE u.role = ANY($1) AND CASE WHEN $2::text IS NULL THEN u.active ELSE u.name = $2 END
ORDER BY u.name
"""
_SELECT_HELD = """
SELECT a.review_id, r.case_id, r.claim_id, s.task, s.kind, a.leased_at, a.opened_at,
    a.lease_expires_at
FROM review_queue.assignments AS a
JOIN review_queue.seats AS s USING (review_id, seat)
JOIN review_queue.reviews AS r USING (review_id)
WHERE a.reviewer = $1 AND a.state = 'leased' ORDER BY a.leased_at, a.token
"""
_IS_REVIEWER = "SELECT true FROM review_queue.users WHERE name = $1 AND role = ANY($2)"
_PAUSE = """
UPDATE review_queue.users SET paused_by = $2, paused_why = $3, paused_at = now()
WHERE name = $1 AND role = ANY($4) AND paused_at IS NULL RETURNING name
"""
_RESUME = """
UPDATE review_queue.users SET paused_by = NULL, paused_why = NULL, paused_at = NULL
WHERE name = $1 AND role = ANY($2) AND paused_at IS NOT NULL RETURNING name
"""
_REVOKE = f"""
WITH held AS (
    SELECT assignment_id FROM review_queue.assignments
    WHERE reviewer = $1 AND state = 'leased' FOR UPDATE
), released AS (
    UPDATE review_queue.assignments AS a
    SET state = '{RELEASE.assignment}', ended_at = clock_timestamp(), ended_why = $2,
        revoked = true
    FROM held WHERE a.assignment_id = held.assignment_id
    RETURNING a.review_id, a.seat
)
UPDATE review_queue.seats AS s SET state = '{RELEASE.after}'
FROM released AS g WHERE s.review_id = g.review_id AND s.seat = g.seat
RETURNING s.review_id
"""  # noqa: S608


@dataclass(frozen=True)
class ReviewerRow:
    """One reviewer. `decided` and `median_seconds` a case are of the last 24 hours.

    `works_on`: the tasks of the cases that they hold.
    """

    name: str
    role: str
    active: bool
    simulated: bool  # a script, not a person
    created_by: str
    created_at: datetime
    holds: int
    works_on: Sequence[str]
    decided: int
    median_seconds: float | None
    last_decided_at: datetime | None
    paused_by: str | None
    paused_why: str | None
    paused_at: datetime | None


@dataclass(frozen=True)
class HeldCase:
    """A case that a reviewer holds; `opened_at` is unknown while it is only prefetched."""

    review_id: str
    case_id: str
    claim_id: str | None
    task: str
    kind: Kind
    leased_at: datetime
    opened_at: datetime | None
    lease_expires_at: datetime


class Reviewers:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def rows(self) -> Sequence[ReviewerRow]:
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_SELECT_REVIEWERS, list(REVIEWERS), None)
        return [ReviewerRow(**row) for row in rows]

    async def row(self, name: str) -> ReviewerRow:
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_SELECT_REVIEWERS, list(REVIEWERS), name)
        if row is None:
            raise NotFound(f"there is no reviewer {name}")
        return ReviewerRow(**row)

    async def held(self, name: str) -> Sequence[HeldCase]:
        """What the reviewer holds at present, the oldest lease first."""
        async with self.database.transaction() as connection:
            return [HeldCase(**row) for row in await connection.fetch(_SELECT_HELD, name)]

    async def pause(self, name: str, why: str, *, by: Person) -> int:
        """No more cases for this reviewer; what they hold goes back at once. Returns how many."""
        async with self.database.transaction() as connection:
            revoked = await _pause(connection, name, why, by=by)
            if revoked is None:
                await _refuse(connection, name, "paused already")
        return revoked

    async def pause_for_reset(self, name: str, *, by: Person) -> bool:
        """Whether somebody whose password is reset is a reviewer: then no case is theirs to decide
        until a lead, whom they have told, lets them work. Or the operator could do it for them."""
        async with self.database.transaction() as connection:
            await _pause(connection, name, "new password; the lead lets you work again", by=by)
            return bool(await connection.fetchval(_IS_REVIEWER, name, list(REVIEWERS)))

    async def resume(self, name: str, *, by: Person) -> None:
        """`Conflict` for oneself: whoever is paused is let in by somebody else."""
        if name == by.name:
            raise Conflict("somebody else has to let you work again")
        async with self.database.transaction() as connection:
            if await connection.fetchval(_RESUME, name, list(REVIEWERS)) is None:
                await _refuse(connection, name, "not paused")
            await audit.record(connection, by, "reviewer_resumed", reviewer=name)


async def _pause(connection: Connection, name: str, why: str, *, by: Person) -> int | None:
    """How many cases go back; None if there is no such reviewer, or they are paused already."""
    await lock_reviewer(connection, name)
    paused = await connection.fetchval(_PAUSE, name, by.name, why, list(REVIEWERS))
    if paused is None:
        return None
    revoked = await connection.fetch(_REVOKE, name, f"paused: {why}")
    await audit.record(connection, by, "reviewer_paused", reviewer=name)
    for row in revoked:
        await audit.record(connection, by, "withdrawn", row["review_id"], reviewer=name)
    return len(revoked)


async def _refuse(connection: Connection, name: str, why: str) -> NoReturn:
    if await connection.fetchval(_IS_REVIEWER, name, list(REVIEWERS)):
        raise Conflict(f"{name} is {why}")
    raise NotFound(f"there is no reviewer {name}")
