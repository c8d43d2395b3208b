"""What a reviewer does with a seat they hold: fenced by token, timed by the database's clock.

What comes with an older token, or after the lease is over, changes no row and counts nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.review_queue.people import audit
from services.review_queue.reviewing import assignment_statements as sql
from services.review_queue.reviewing.leasing import (
    Limits,
    admit_reviewer,
    load_assignment,
)
from services.review_queue.reviewing.opinion_rows import insert_opinion
from services.review_queue.reviewing.opinions import Answer, check_answer
from services.review_queue.reviewing.refusals import refuse
from services.review_queue.reviewing.review import Assignment
from services.review_queue.reviewing.states import ESCALATE, RELEASE, Step
from shared.auth.principal import Person
from shared.errors import Conflict, NotFound
from shared.events import Case, ReviewRequested
from shared.storage.database import Connection, Database
from shared.tasks import get_task


@dataclass(frozen=True)
class LeaseHandle:
    """Who acts on which assignment, and the token that they have for it."""

    assignment_id: UUID
    reviewer: Person
    token: int

    @property
    def key(self) -> tuple[UUID, str, int]:
        return self.assignment_id, self.reviewer.name, self.token


@dataclass(frozen=True)
class SubmittedOpinion:
    """An opinion that can be undone until it settles."""

    review_id: str
    settles_at: datetime


class Assignments:
    def __init__(self, database: Database, limits: Limits) -> None:
        self.database = database
        self.limits = limits

    async def heartbeat(self, handle: LeaseHandle, *, opened: bool) -> datetime:
        """Prolong the lease and return its new end. `opened`: the reviewer now looks at it."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(sql.HEARTBEAT, *handle.key, self.limits.lease, opened)
            if row is None:
                await refuse(connection, *handle.key)
            if row["first_seen"]:
                await audit.record(connection, handle.reviewer, "opened", row["review_id"])
        expires_at: datetime = row["lease_expires_at"]
        return expires_at

    async def commit(self, handle: LeaseHandle, label: str) -> None:
        """Fix the reviewer's own answer before they see the model's. Only the first one counts."""
        async with self.database.transaction() as connection:
            review_id = await connection.fetchval(sql.COMMIT_LABEL, *handle.key, label)
            if review_id is None:
                await refuse(connection, *handle.key, otherwise="you have committed to {} already")
            row = await connection.fetchrow(sql.READ_BLIND_REQUEST, review_id)
            assert row is not None
            if not row["blind"]:
                raise Conflict("this review is not blind; submit your answer", field="label")
            request = ReviewRequested.model_validate_json(row["body"])
            get_task(request.case.task).label(label)
            await audit.record(connection, handle.reviewer, "committed", review_id, label=label)

    async def release(self, handle: LeaseHandle, why: str) -> None:
        """Give the seat back: to the others at once, to this reviewer later."""
        async with self.database.transaction() as connection:
            review_id = await _end_lease(connection, handle, RELEASE, why)
            await audit.record(connection, handle.reviewer, "released", review_id)

    async def escalate(self, handle: LeaseHandle, why: str) -> None:
        """Hand the case on to a senior, who has the final word."""
        async with self.database.transaction() as connection:
            review_id = await _end_lease(connection, handle, ESCALATE, why)
            await connection.execute(sql.WITHDRAW_SEATS, review_id)
            await audit.record(connection, handle.reviewer, "escalated", review_id)

    async def submit(
        self, handle: LeaseHandle, answer: Answer, *, panels: tuple[str, ...] = ()
    ) -> SubmittedOpinion:
        """Take the opinion; it settles after the time for undoing it."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(sql.SUBMIT_ASSIGNMENT, *handle.key)
            if row is None:
                await refuse(connection, *handle.key)
            review_id, seat = row["review_id"], row["seat"]
            answer = check_answer(answer, await _load_case(connection, review_id))
            await insert_opinion(connection, row, answer, panels=panels)
            settles_at = await connection.fetchval(
                sql.SUBMIT_SEAT, review_id, seat, self.limits.undo
            )
            await audit.record(
                connection, handle.reviewer, "submitted", review_id, seat=seat, label=answer.label
            )
        return SubmittedOpinion(review_id, settles_at)

    async def undo(self, handle: LeaseHandle) -> Assignment:
        """Take a submitted opinion back; the reviewer holds the case again, under a new token."""
        async with self.database.transaction() as connection:
            await admit_reviewer(connection, handle.reviewer)
            row = await connection.fetchrow(sql.UNDO_ASSIGNMENT, *handle.key, self.limits.lease)
            if row is None:
                await refuse(
                    connection, *handle.key, otherwise="this case is not submitted; nothing to undo"
                )
            review_id, seat = row["review_id"], row["seat"]
            if await connection.fetchval(sql.UNDO_SEAT, review_id, seat) is None:
                raise Conflict("the decision has left; correct it instead")
            await connection.execute(sql.DELETE_OPINION, review_id, seat)
            await audit.record(connection, handle.reviewer, "undone", review_id, seat=seat)
            return await load_assignment(connection, row)

    async def save_draft(
        self, assignment_id: UUID, reviewer: str, content: Mapping[str, Any]
    ) -> None:
        """Keep what is written so far, also where the lease was lost meanwhile."""
        async with self.database.transaction() as connection:
            status = await connection.execute(
                sql.SAVE_DRAFT, assignment_id, reviewer, json.dumps(content)
            )
        if status == "INSERT 0 0":
            raise NotFound("you have no such assignment, a newer one, or its case is decided")

    async def draft(self, assignment_id: UUID, reviewer: str) -> dict[str, Any] | None:
        """What was written on this review, on this assignment or an earlier one."""
        async with self.database.transaction() as connection:
            content = await connection.fetchval(sql.READ_DRAFT, assignment_id, reviewer)
        return json.loads(content) if content else None


async def _end_lease(connection: Connection, handle: LeaseHandle, step: Step, why: str) -> str:
    """Put the seat back into the queue, where it is escalated as the one with the final word."""
    row = await connection.fetchrow(sql.END_LEASE, *handle.key, step.assignment, why)
    if row is None:
        await refuse(connection, *handle.key)
    review_id, seat = row["review_id"], row["seat"]
    seats = await connection.fetch(sql.LOCK_SEATS, review_id)
    kinds = {each["seat"]: each["kind"] for each in seats}
    if step is ESCALATE and kinds[seat] == "final":
        raise Conflict("this case was escalated already; the final word is yours")
    if step is ESCALATE and "final" not in kinds.values():
        kinds[seat] = "final"
    await connection.execute(sql.RETURN_SEAT, review_id, seat, step.after, step.before, kinds[seat])
    return str(review_id)


async def _load_case(connection: Connection, review_id: str) -> Case:
    body = await connection.fetchval(
        "SELECT body FROM review_queue.requests WHERE review_id = $1", review_id
    )
    return ReviewRequested.model_validate_json(body).case
