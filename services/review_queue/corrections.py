"""Changing a decision after it has left: a correction beside it, never an overwrite."""

from datetime import datetime, timedelta

import asyncpg

from services.review_queue import audit
from services.review_queue.access import Actor
from services.review_queue.line import NotFound
from services.review_queue.opinions import Correction, check, corrected
from shared.database import Connection, Database
from shared.errors import Conflict, Rejected
from shared.events import DecisionCorrected, ReviewRequested
from shared.outbox import Outbox

_REVIEW = """
SELECT completed_at, completed_at + $2::interval <= now() AS too_late, body
FROM review_queue.reviews JOIN review_queue.requests USING (review_id)
WHERE review_id = $1 FOR UPDATE OF reviews
"""
# The opinion that stands is the last one with the review's label; corrections come after it.
_NEWEST = """
(SELECT 0 AS revision, o.label, o.reasoning, o.approved_amount, o.reviewer
 FROM review_queue.opinions AS o JOIN review_queue.reviews AS r USING (review_id)
 WHERE review_id = $1 AND o.label = r.label ORDER BY seat DESC LIMIT 1)
UNION ALL
SELECT revision, label, reasoning, approved_amount, corrected_by
FROM review_queue.corrections WHERE review_id = $1
ORDER BY revision DESC
"""
_ADD = """
INSERT INTO review_queue.corrections
    (review_id, revision, label, reasoning, approved_amount, why, corrected_by)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING corrected_at
"""


class NotTheirs(Rejected):
    """Somebody else's decision (HTTP 403)."""


class Corrections:
    """`within`: how long after a decision its author may change it."""

    def __init__(self, database: Database, outbox: Outbox, *, within: timedelta) -> None:
        self.database = database
        self.outbox = outbox
        self.within = within

    async def correct(
        self, review_id: str, correction: Correction, *, by: Actor
    ) -> DecisionCorrected:
        """Change one's own decision. What was said before stays as it was."""
        async with self.database.transaction() as connection:
            request = await self._open(connection, review_id)
            revisions = await connection.fetch(_NEWEST, review_id)
            if by.name != revisions[-1]["reviewer"]:
                raise NotTheirs("only who decided a case corrects the decision")
            _check_change(correction, revisions[0])
            check(correction.answer, request.case)
            at = await _add(connection, review_id, correction, by=by)
            event = corrected(request.case, correction, by=by.name, at=at)
            await self.outbox.add(connection, [event])
        return event

    async def _open(self, connection: Connection, review_id: str) -> ReviewRequested:
        """The request of a completed review, locked against a second correction at once."""
        row = await connection.fetchrow(_REVIEW, review_id, self.within)
        if row is None:
            raise NotFound("no such review")
        if row["completed_at"] is None:
            raise Conflict("the review is not completed; nothing to correct yet")
        if row["too_late"]:
            hours = self.within.total_seconds() / 3600
            raise Conflict(f"a decision can be corrected for {hours:g} hours; that time is over")
        return ReviewRequested.model_validate_json(row["body"])


def _check_change(correction: Correction, newest: "asyncpg.Record") -> None:
    """`Conflict` if somebody was faster, `Rejected` if nothing would change."""
    if correction.supersedes_revision != newest["revision"]:
        raise Conflict(
            f"the decision is at revision {newest['revision']} by now",
            field="supersedes_revision",
        )
    new = correction.answer
    if (*new.outcome, new.reasoning) == (
        newest["label"],
        newest["approved_amount"],
        newest["reasoning"],
    ):
        raise Rejected("this changes nothing", field="label")


async def _add(
    connection: Connection, review_id: str, correction: Correction, *, by: Actor
) -> datetime:
    revision = correction.supersedes_revision + 1
    at: datetime = await connection.fetchval(
        _ADD,
        review_id,
        revision,
        correction.answer.label,
        correction.answer.reasoning,
        correction.answer.approved_amount,
        correction.why,
        by.name,
    )
    await audit.record(connection, by, "corrected", review_id, revision=revision)
    return at
