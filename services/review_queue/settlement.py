"""What happens by itself: leases expire, submitted reviews settle. And later corrections.

A settled review, its events and nothing else become true in one transaction.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import asyncpg

from services.review_queue.opinions import (
    Answer,
    Correction,
    check,
    completed,
    corrected,
    decided,
    settle,
)
from services.review_queue.store import NotFound
from shared.database import Connection, Database
from shared.errors import Conflict, Rejected
from shared.events import Criterion, DecisionCorrected, Event, Opinion, ReviewRequested
from shared.outbox import Outbox

_BATCH = 100
_POLL_SECONDS = 0.25
_EXPIRE = """
WITH lost AS (
    SELECT assignment_id FROM review_queue.assignments
    WHERE state = 'leased' AND lease_expires_at <= now()
    LIMIT $1 FOR UPDATE SKIP LOCKED
), expired AS (
    UPDATE review_queue.assignments AS a SET state = 'expired'
    FROM lost WHERE a.assignment_id = lost.assignment_id
    RETURNING a.review_id
)
UPDATE review_queue.reviews AS r SET state = 'queued'
FROM expired WHERE r.review_id = expired.review_id RETURNING r.review_id
"""
_SETTLE = """
WITH due AS (
    SELECT review_id FROM review_queue.reviews
    WHERE state = 'submitted' AND settles_at <= now()
    ORDER BY settles_at LIMIT $1 FOR UPDATE SKIP LOCKED
), done AS (
    UPDATE review_queue.reviews AS r
    SET state = 'completed', settles_at = NULL, completed_at = now()
    FROM due WHERE r.review_id = due.review_id
    RETURNING r.review_id, r.completed_at
)
SELECT * FROM done JOIN review_queue.requests USING (review_id)
JOIN review_queue.opinions USING (review_id) ORDER BY completed_at, review_id, decided_at
"""
_NEWEST = """
SELECT 0 AS revision, label, reasoning, approved_amount, reviewer
FROM review_queue.opinions WHERE review_id = $1
UNION ALL
SELECT revision, label, reasoning, approved_amount, corrected_by
FROM review_queue.corrections WHERE review_id = $1
ORDER BY revision DESC
"""


class NotTheirs(Rejected):
    """Somebody else's decision (HTTP 403)."""


class Settlement:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self.database = database
        self.outbox = outbox

    async def run(self) -> None:
        """Expire and settle for ever. Any number of processes may do so."""
        while True:
            busy = max(await self.expire(), await self.settle())
            if busy < _BATCH:
                await asyncio.sleep(_POLL_SECONDS)

    async def expire(self) -> int:
        """Put reviews whose lease is over back into the line."""
        async with self.database.transaction() as connection:
            return len(await connection.fetch(_EXPIRE, _BATCH))

    async def settle(self) -> int:
        """Complete the reviews whose time for undoing is over."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_SETTLE, _BATCH)
            reviews = [list(group) for _, group in groupby(rows, key=itemgetter("review_id"))]
            await self.outbox.add(connection, [e for review in reviews for e in _events(review)])
        return len(reviews)

    async def correct(
        self, review_id: str, correction: Correction, *, by: str
    ) -> DecisionCorrected:
        """Change one's own decision. What was said before stays as it was."""
        async with self.database.transaction() as connection:
            request = await _completed(connection, review_id)
            revisions = await connection.fetch(_NEWEST, review_id)
            if by != revisions[-1]["reviewer"]:
                raise NotTheirs("only who decided a case corrects the decision")
            _check_change(correction, revisions[0])
            check(correction.answer, request.case)
            at = await _add_correction(connection, review_id, correction, by=by)
            event = corrected(request.case, correction, by=by, at=at)
            await self.outbox.add(connection, [event])
        return event


async def _completed(connection: Connection, review_id: str) -> ReviewRequested:
    """The request of a completed review, locked against a second correction at once."""
    row = await connection.fetchrow(
        "SELECT state, body FROM review_queue.reviews JOIN review_queue.requests USING (review_id) "
        "WHERE review_id = $1 FOR UPDATE OF reviews",
        review_id,
    )
    if row is None:
        raise NotFound("no such review")
    if row["state"] != "completed":
        raise Conflict("the review is not completed; nothing to correct yet")
    return ReviewRequested.model_validate_json(row["body"])


def _check_change(correction: Correction, newest: "asyncpg.Record") -> None:
    """`Conflict` if somebody was faster, `Rejected` if nothing would change."""
    if correction.supersedes_revision != newest["revision"]:
        raise Conflict(
            f"the decision is at revision {newest['revision']} by now",
            field="supersedes_revision",
        )
    if correction.answer == _answer(newest):
        raise Rejected("this changes nothing", field="label")


async def _add_correction(
    connection: Connection, review_id: str, correction: Correction, *, by: str
) -> datetime:
    at: datetime = await connection.fetchval(
        "INSERT INTO review_queue.corrections "
        "(review_id, revision, label, reasoning, approved_amount, why, corrected_by) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING corrected_at",
        review_id,
        correction.supersedes_revision + 1,
        correction.answer.label,
        correction.answer.reasoning,
        correction.answer.approved_amount,
        correction.why,
        by,
    )
    return at


def _events(rows: Sequence["asyncpg.Record"]) -> Sequence[Event]:
    """What follows from the opinions of one review."""
    request = ReviewRequested.model_validate_json(rows[0]["body"])
    settled = settle([(_answer(row), opinion(row)) for row in rows])
    at = rows[0]["completed_at"]
    return completed(request, settled, at=at), decided(request, settled, at=at)


def _answer(row: "asyncpg.Record") -> Answer:
    return Answer(row["label"], row["reasoning"], row["approved_amount"])


def opinion(row: "asyncpg.Record") -> Opinion:
    criterion = row["criterion"]
    return Opinion(
        reviewer=row["reviewer"],
        label=row["label"],
        reason_code=row["reason_code"],
        criterion=Criterion.model_validate_json(criterion) if criterion else None,
        reasoning=row["reasoning"],
        decided_at=row["decided_at"],
        dwell_seconds=row["dwell_seconds"],
    )
