"""What a reviewer does with a seat that he holds: fenced by token, timed by the database's clock.

A statement whose token is not the newest, or whose lease is over, changes no row and counts
nothing. Every statement locks an assignment before its seat, so that no two of them deadlock.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import asyncpg

from services.review_queue.people import audit
from services.review_queue.reviewing.leasing import Limits, assignment, begin
from services.review_queue.reviewing.opinion_rows import add_opinion
from services.review_queue.reviewing.opinions import Answer, checked
from services.review_queue.reviewing.review import Assignment
from services.review_queue.reviewing.states import ESCALATE, RELEASE, SUBMIT, UNDO, WITHDRAW, Step
from shared.auth.principal import Actor
from shared.errors import Conflict, NotFound
from shared.events import Case, ReviewRequested
from shared.storage.database import Connection, Database
from shared.tasks import get_task

_HOLDING = (
    "assignment_id = $1 AND reviewer = $2 AND token = $3 AND state = 'leased' "
    "AND lease_expires_at > now()"
)
_HEARTBEAT = f"""
WITH before AS (
    SELECT opened_at FROM review_queue.assignments WHERE assignment_id = $1 FOR UPDATE
)
UPDATE review_queue.assignments AS a SET lease_expires_at = now() + $4::interval,
    opened_at = CASE WHEN $5 THEN coalesce(a.opened_at, now()) ELSE a.opened_at END
FROM before WHERE {_HOLDING}
RETURNING lease_expires_at, review_id,
    before.opened_at IS NULL AND a.opened_at IS NOT NULL AS first_seen
"""  # noqa: S608
_COMMIT = f"""
UPDATE review_queue.assignments SET label_before = $4, committed_at = now()
WHERE {_HOLDING} AND label_before IS NULL RETURNING review_id
"""  # noqa: S608
_COMMITTED = """
SELECT blind, body FROM review_queue.reviews JOIN review_queue.requests USING (review_id)
WHERE review_id = $1
"""
_END = f"""
UPDATE review_queue.assignments SET state = $4, ended_at = clock_timestamp(), ended_why = $5
WHERE {_HOLDING} RETURNING review_id, seat
"""  # noqa: S608
_SUBMIT = f"""
UPDATE review_queue.assignments SET state = '{SUBMIT.assignment}' WHERE {_HOLDING}
RETURNING review_id, seat, reviewer, label_before,
    -- A heartbeat at the same time may say that he looked at it only now.
    greatest(extract(epoch FROM now() - coalesce(opened_at, leased_at)), 0)::float8 AS dwell
"""  # noqa: S608
_SUBMIT_SEAT = f"""
UPDATE review_queue.seats SET state = '{SUBMIT.after}', settles_at = now() + $3::interval
WHERE review_id = $1 AND seat = $2 AND state = '{SUBMIT.before}' RETURNING settles_at
"""  # noqa: S608
_UNDO = f"""
UPDATE review_queue.assignments AS a SET state = '{UNDO.assignment}',
    token = nextval('review_queue.fencing'), lease_expires_at = now() + $4::interval
FROM review_queue.seats AS s
JOIN review_queue.reviews AS r USING (review_id)
JOIN review_queue.requests AS q USING (review_id)
WHERE assignment_id = $1 AND reviewer = $2 AND token = $3 AND a.state = 'submitted'
    AND s.review_id = a.review_id AND s.seat = a.seat
RETURNING a.*, s.kind, r.blind, q.body
"""  # noqa: S608
_UNDO_SEAT = f"""
UPDATE review_queue.seats SET state = '{UNDO.after}', settles_at = NULL
WHERE review_id = $1 AND seat = $2 AND state = '{UNDO.before}' AND settles_at > now()
RETURNING seat
"""  # noqa: S608
_BACK_IN_LINE = """
UPDATE review_queue.seats SET state = $3, kind = $5
WHERE review_id = $1 AND seat = $2 AND state = $4
"""
# Whoever has begun is waited for; what nobody has begun could not change the final word.
_WITHDRAW = f"""
UPDATE review_queue.seats SET state = '{WITHDRAW.after}'
WHERE review_id = $1 AND kind <> 'final' AND state = '{WITHDRAW.before}'
"""  # noqa: S608
_SAVE_DRAFT = """
INSERT INTO review_queue.drafts (review_id, reviewer, content)
SELECT review_id, reviewer, $3
FROM review_queue.assignments AS a JOIN review_queue.reviews AS r USING (review_id)
WHERE assignment_id = $1 AND reviewer = $2 AND state IN ('leased', 'expired', 'released')
    AND completed_at IS NULL
    -- What was written on an earlier lease does not come over what is written on a later one.
    AND NOT EXISTS (
        SELECT FROM review_queue.assignments AS later
        WHERE later.review_id = a.review_id AND later.reviewer = $2 AND later.token > a.token)
FOR KEY SHARE OF r -- waits for its completion, which forgets all drafts
ON CONFLICT (review_id, reviewer) DO UPDATE SET content = $3, saved_at = now()
"""


@dataclass(frozen=True)
class Hold:
    """Who acts on which assignment, and the token that he has for it."""

    assignment_id: UUID
    reviewer: Actor
    token: int

    @property
    def key(self) -> tuple[UUID, str, int]:
        return self.assignment_id, self.reviewer.name, self.token


@dataclass(frozen=True)
class Submitted:
    """An opinion that can be undone until it settles."""

    review_id: str
    settles_at: datetime


class Assignments:
    def __init__(self, database: Database, limits: Limits) -> None:
        self.database = database
        self.limits = limits

    async def heartbeat(self, hold: Hold, *, opened: bool) -> datetime:
        """Prolong the lease and return its new end. `opened`: the reviewer now looks at it."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_HEARTBEAT, *hold.key, self.limits.lease, opened)
            if row is None:
                await _refuse(connection, hold)
            if row["first_seen"]:
                await audit.record(connection, hold.reviewer, "opened", row["review_id"])
        expires_at: datetime = row["lease_expires_at"]
        return expires_at

    async def commit(self, hold: Hold, label: str) -> None:
        """Fix the reviewer's own answer, before he sees the model's. Only the first one counts."""
        async with self.database.transaction() as connection:
            review_id = await connection.fetchval(_COMMIT, *hold.key, label)
            if review_id is None:
                await _refuse(connection, hold, "you have committed to {} already")
            row = await connection.fetchrow(_COMMITTED, review_id)
            assert row is not None
            if not row["blind"]:
                raise Conflict("nothing is withheld from you; submit your answer", field="label")
            request = ReviewRequested.model_validate_json(row["body"])
            get_task(request.case.task).label(label)
            await audit.record(connection, hold.reviewer, "committed", review_id, label=label)

    async def release(self, hold: Hold, why: str) -> None:
        """Give the seat back: to the others at once, to this reviewer later."""
        async with self.database.transaction() as connection:
            review_id = await self._end(connection, hold, RELEASE, why)
            await audit.record(connection, hold.reviewer, "released", review_id)

    async def escalate(self, hold: Hold, why: str) -> None:
        """Hand the case on to a senior, who has the final word."""
        async with self.database.transaction() as connection:
            review_id = await self._end(connection, hold, ESCALATE, why)
            await connection.execute(_WITHDRAW, review_id)
            await audit.record(connection, hold.reviewer, "escalated", review_id)

    async def _end(self, connection: Connection, hold: Hold, step: Step, why: str) -> str:
        row = await connection.fetchrow(_END, *hold.key, step.assignment, why)
        if row is None:
            await _refuse(connection, hold)
        review_id, seat = row["review_id"], row["seat"]
        # All of the review's seats: two of them must not be escalated at once.
        found = await connection.fetch(
            "SELECT seat, kind FROM review_queue.seats WHERE review_id = $1 "
            "ORDER BY seat FOR UPDATE",
            review_id,
        )
        kinds = {each["seat"]: each["kind"] for each in found}
        if step is ESCALATE and kinds[seat] == "final":
            raise Conflict("this case was escalated already; the final word is yours")
        if step is ESCALATE and "final" not in kinds.values():
            kinds[seat] = "final"
        await connection.execute(
            _BACK_IN_LINE, review_id, seat, step.after, step.before, kinds[seat]
        )
        return str(review_id)

    async def submit(
        self, hold: Hold, answer: Answer, *, panels: tuple[str, ...] = ()
    ) -> Submitted:
        """Take the opinion; it settles after the time for undoing it."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_SUBMIT, *hold.key)
            if row is None:
                await _refuse(connection, hold)
            review_id, seat = row["review_id"], row["seat"]
            answer = checked(answer, await _case(connection, review_id))
            before = row["label_before"]
            await add_opinion(connection, row, answer, label_before=before, panels=panels)
            settles_at = await connection.fetchval(_SUBMIT_SEAT, review_id, seat, self.limits.undo)
            await audit.record(
                connection, hold.reviewer, "submitted", review_id, seat=seat, label=answer.label
            )
        return Submitted(review_id, settles_at)

    async def undo(self, hold: Hold) -> Assignment:
        """Take a submitted opinion back; the reviewer holds the case again, under a new token."""
        async with self.database.transaction() as connection:
            await begin(connection, hold.reviewer)
            row = await connection.fetchrow(_UNDO, *hold.key, self.limits.lease)
            if row is None:
                await _refuse(connection, hold, "this case is not submitted; nothing to undo")
            review_id, seat = row["review_id"], row["seat"]
            if await connection.fetchval(_UNDO_SEAT, review_id, seat) is None:
                raise Conflict("the decision has left; correct it instead")
            await connection.execute(
                "DELETE FROM review_queue.opinions WHERE review_id = $1 AND seat = $2",
                review_id,
                seat,
            )
            await audit.record(connection, hold.reviewer, "undone", review_id, seat=seat)
            return await assignment(connection, row)

    async def save_draft(
        self, assignment_id: UUID, reviewer: str, content: Mapping[str, Any]
    ) -> None:
        """Keep what is written so far, also where the lease was lost meanwhile."""
        async with self.database.transaction() as connection:
            result = await connection.execute(
                _SAVE_DRAFT, assignment_id, reviewer, json.dumps(content)
            )
        if result == "INSERT 0 0":
            raise NotFound("you have no such assignment, a newer one, or its case is decided")

    async def draft(self, assignment_id: UUID, reviewer: str) -> dict[str, Any] | None:
        """What was written on this review, on this assignment or an earlier one."""
        async with self.database.transaction() as connection:
            found = await connection.fetchval(
                "SELECT content FROM review_queue.drafts "
                "JOIN review_queue.assignments USING (review_id, reviewer) "
                "WHERE assignment_id = $1 AND reviewer = $2",
                assignment_id,
                reviewer,
            )
        return json.loads(found) if found else None


async def _case(connection: Connection, review_id: str) -> Case:
    body = await connection.fetchval(
        "SELECT body FROM review_queue.requests WHERE review_id = $1", review_id
    )
    return ReviewRequested.model_validate_json(body).case


_EXPIRED = "the lease has expired; nothing was counted"
_REFUSALS = {
    "submitted": "this case was submitted already",
    "answered": "the decision has left; correct it instead",
    "released": "this case was given back ({ended_why})",
    "escalated": "this case was handed on",
    "expired": _EXPIRED,
}


async def _refuse(connection: Connection, hold: Hold, otherwise: str = _EXPIRED) -> NoReturn:
    """Say why an assignment is not the caller's to act on (any more)."""
    row: asyncpg.Record | None = await connection.fetchrow(
        "SELECT state, token, lease_expires_at > now() AS leased, label_before, ended_why "
        "FROM review_queue.assignments WHERE assignment_id = $1 AND reviewer = $2",
        hold.assignment_id,
        hold.reviewer.name,
    )
    if row is None:
        raise NotFound("you have no such assignment")
    if row["token"] != hold.token:
        raise Conflict("the token is not the newest of this assignment", field="token")
    if row["state"] != "leased":
        raise Conflict(_REFUSALS[row["state"]].format(**row))
    if not row["leased"]:
        raise Conflict(_EXPIRED)
    raise Conflict(otherwise.format(row["label_before"]))
