"""Changing a decision after it has left: a correction beside it, never an overwrite."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.review_queue.people import audit
from services.review_queue.reviewing.leasing import admit_reviewer
from services.review_queue.reviewing.opinion_rows import parse_answer
from services.review_queue.reviewing.opinions import (
    Answer,
    Correction,
    check_answer,
    decision_corrected,
)
from shared.auth.principal import Actor, Person
from shared.errors import Conflict, Forbidden, NotFound, Rejected
from shared.events import DecisionCorrected, ReviewRequested
from shared.messaging.outbox import Outbox
from shared.storage.database import Connection, Database

_REVIEW = """
SELECT completed_at, completed_at + $2::interval AS until,
    completed_at + $2::interval <= now() AS too_late, body
FROM review_queue.reviews JOIN review_queue.requests USING (review_id)
WHERE review_id = $1 FOR UPDATE OF reviews
"""
_ANSWER = "label, reasoning, approved_amount, reason_code, clinical_basis, criterion"
# The newest first; revision 0 is the opinion of the deciding seat.
_REVISIONS = f"""
(SELECT 0 AS revision, reviewer, {_ANSWER} FROM review_queue.opinions
 WHERE (review_id, seat) = (
    SELECT review_id, deciding_seat FROM review_queue.reviews WHERE review_id = $1))
UNION ALL
SELECT revision, corrected_by, {_ANSWER} FROM review_queue.corrections WHERE review_id = $1
ORDER BY revision DESC
"""  # noqa: S608
_INSERT = f"""
INSERT INTO review_queue.corrections (review_id, revision, why, corrected_by, {_ANSWER})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING corrected_at
"""  # noqa: S608


class NotTheirs(Forbidden):
    """The decision is somebody else's."""


@dataclass(frozen=True)
class ReopenedDecision:
    """A decision as its author finds it: what it is at `revision`, and until when it can change."""

    request: ReviewRequested
    answer: Answer
    revision: int
    until: datetime


class Corrections:
    """`within`: how long after a decision its author may change it."""

    def __init__(self, database: Database, outbox: Outbox, *, within: timedelta) -> None:
        self.database = database
        self.outbox = outbox
        self.within = within

    def open_until(
        self, completed_at: datetime | None, *, author: str | None, by: Actor, now: datetime
    ) -> datetime | None:
        """How long a decision is this reviewer's to change; None where it is not."""
        if completed_at is None or by.name != author or not by.may("work"):
            return None
        until = completed_at + self.within
        return until if now < until else None

    async def reopen(self, review_id: str, *, by: Person) -> ReopenedDecision:
        """One's own decision, locked until the end; refused where it is not to be changed."""
        async with self.database.transaction() as connection:
            return await self._reopen(connection, review_id, by=by)

    async def correct(
        self, review_id: str, correction: Correction, *, by: Person
    ) -> DecisionCorrected:
        """Change one's own decision. What was said before stays as it was."""
        async with self.database.transaction() as connection:
            await admit_reviewer(connection, by)
            current = await self._reopen(connection, review_id, by=by)
            case = current.request.case
            correction = replace(correction, answer=check_answer(correction.answer, case))
            _check_change(correction, current)
            at = await _insert_correction(connection, review_id, correction, by=by)
            event = decision_corrected(case, correction, by=by.name, at=at)
            await self.outbox.add(connection, [event])
        return event

    async def _reopen(
        self, connection: Connection, review_id: str, *, by: Person
    ) -> ReopenedDecision:
        """The review is locked against a second correction at the same time."""
        row = await connection.fetchrow(_REVIEW, review_id, self.within)
        if row is None:
            raise NotFound("no such review")
        if row["completed_at"] is None:
            raise Conflict("the review is not completed; nothing to correct yet")
        if row["too_late"]:
            hours = self.within.total_seconds() / 3600
            raise Conflict(f"a decision can be corrected for {hours:g} hours; that time is over")
        newest, *older = await connection.fetch(_REVISIONS, review_id)
        if by.name != (older or [newest])[-1]["reviewer"]:
            raise NotTheirs("only the reviewer who decided a case can correct the decision")
        request = ReviewRequested.model_validate_json(row["body"])
        return ReopenedDecision(request, parse_answer(newest), newest["revision"], row["until"])


def _check_change(correction: Correction, current: ReopenedDecision) -> None:
    """`Conflict` if somebody was faster, `Rejected` if nothing would change."""
    if correction.supersedes_revision != current.revision:
        raise Conflict(
            f"the decision is at revision {current.revision} by now", field="supersedes_revision"
        )
    if correction.answer == current.answer:
        raise Rejected("this changes nothing", field="label")


async def _insert_correction(
    connection: Connection, review_id: str, correction: Correction, *, by: Person
) -> datetime:
    revision, new = correction.supersedes_revision + 1, correction.answer
    at: datetime = await connection.fetchval(
        _INSERT,
        review_id,
        revision,
        correction.why,
        by.name,
        new.label,
        new.reasoning,
        new.approved_amount,
        new.reason_code,
        new.clinical_basis,
        new.criterion.model_dump_json() if new.criterion else None,
    )
    await audit.record(connection, by, "corrected", review_id, revision=revision)
    return at
