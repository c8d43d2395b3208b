"""What happens by itself: leases expire, opinions settle, reviews that have all of them complete,
and nobody is asked any more where only the final word is missing.

A completed review and its events are stored in one transaction: both are there, or neither.
"""

import asyncio
from collections.abc import Sequence

import asyncpg

from services.review_queue.reviewing.consensus import KINDS_IN_ORDER, SeatNeeded, settle_opinions
from services.review_queue.reviewing.opinion_rows import parse_given_opinion
from services.review_queue.reviewing.opinions import GivenOpinion, decision_made, review_completed
from services.review_queue.reviewing.states import EXPIRE, SETTLE, WITHDRAW
from shared.events import Event, ReviewRequested
from shared.messaging.outbox import Outbox
from shared.storage.database import Connection, Database

_BATCH = 100
_POLL_SECONDS = 0.25
_EXPIRE = f"""
WITH lost AS (
    SELECT assignment_id FROM review_queue.assignments
    WHERE state = 'leased' AND lease_expires_at <= now()
    LIMIT $1 FOR UPDATE SKIP LOCKED
), expired AS (
    UPDATE review_queue.assignments AS a
    SET state = '{EXPIRE.assignment}', ended_at = clock_timestamp()
    FROM lost WHERE a.assignment_id = lost.assignment_id
    RETURNING a.review_id, a.seat
)
UPDATE review_queue.seats AS s SET state = '{EXPIRE.after}'
FROM expired WHERE s.review_id = expired.review_id AND s.seat = expired.seat
RETURNING s.review_id
"""  # noqa: S608
_WITHDRAW = f"""
UPDATE review_queue.seats SET state = '{WITHDRAW.after}' WHERE (review_id, seat) IN (
    SELECT other.review_id, other.seat FROM review_queue.seats AS last
    JOIN review_queue.seats AS other USING (review_id)
    WHERE last.kind = 'final' AND last.state = 'queued'
        AND other.kind <> 'final' AND other.state = '{WITHDRAW.before}'
    LIMIT $1 FOR UPDATE OF other SKIP LOCKED)
RETURNING review_id
"""  # noqa: S608
# A review is settled by one process at a time, whichever of its seats are due. The seats are read
# as they were when the statement began: that the review is not completed since is asked of its row.
_DUE = """
SELECT r.review_id, r.blind, q.body FROM review_queue.reviews AS r
JOIN review_queue.requests AS q USING (review_id)
WHERE review_id IN (
    SELECT review_id FROM review_queue.seats WHERE state = 'submitted' AND settles_at <= now()
    ORDER BY settles_at LIMIT $1)
    AND r.completed_at IS NULL
ORDER BY review_id FOR UPDATE OF r SKIP LOCKED
"""
_SETTLE = f"""
WITH due AS MATERIALIZED (
    SELECT a.assignment_id FROM review_queue.seats AS s
    JOIN review_queue.assignments AS a USING (review_id, seat)
    WHERE s.review_id = ANY($1) AND s.state = '{SETTLE.before}' AND s.settles_at <= now()
        AND a.state = 'submitted'
    ORDER BY review_id, seat
    FOR UPDATE OF a, s -- both, so that a seat submitted again keeps its new time for undoing
), ended AS (
    UPDATE review_queue.assignments AS a
    SET state = '{SETTLE.assignment}', ended_at = clock_timestamp()
    FROM due WHERE a.assignment_id = due.assignment_id
    RETURNING a.review_id, a.seat, a.reviewer
), settled AS (
    UPDATE review_queue.seats AS s SET state = '{SETTLE.after}', settles_at = NULL
    FROM ended WHERE s.review_id = ended.review_id AND s.seat = ended.seat
)
DELETE FROM review_queue.drafts AS d USING ended
WHERE d.review_id = ended.review_id AND d.reviewer = ended.reviewer
"""  # noqa: S608
_SEATS_WITH_OPINIONS = """
SELECT o.*, s.kind, s.state FROM review_queue.seats AS s
LEFT JOIN review_queue.opinions AS o USING (review_id, seat)
WHERE s.review_id = $1 ORDER BY s.seat
"""
_ADD_SEAT = """
INSERT INTO review_queue.seats
    (review_id, seat, kind, task, reason, priority, amount, requested_at, queue_rank)
SELECT review_id, $2, $3, task, reason, priority, amount, requested_at, queue_rank
FROM review_queue.seats WHERE review_id = $1 AND seat = 1
"""
_COMPLETE = """
UPDATE review_queue.reviews SET label = $2, deciding_seat = $3, completed_at = now()
WHERE review_id = $1 AND completed_at IS NULL RETURNING completed_at
"""


class Settlement:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self.database = database
        self.outbox = outbox

    async def run(self) -> None:
        """Expire and settle forever. Any number of processes may do so."""
        while True:
            busy = max(await self.expire(), await self.withdraw(), await self.settle())
            if busy < _BATCH:
                await asyncio.sleep(_POLL_SECONDS)

    async def expire(self) -> int:
        """Put seats whose lease is over back into the queue."""
        async with self.database.transaction() as connection:
            return len(await connection.fetch(_EXPIRE, _BATCH))

    async def withdraw(self) -> int:
        """Ask for no opinion that could not change the final word: of seats that were leased when
        it was asked for, and came back."""
        async with self.database.transaction() as connection:
            return len(await connection.fetch(_WITHDRAW, _BATCH))

    async def settle(self) -> int:
        """Settle what can no longer be undone, and complete the reviews that have all opinions."""
        async with self.database.transaction() as connection:
            due = await connection.fetch(_DUE, _BATCH)
            if due:
                await connection.execute(_SETTLE, [row["review_id"] for row in due])
            events: list[Event] = []
            for row in due:
                events += await _conclude_review(connection, row)
            await self.outbox.add(connection, events)
        return len(due)


async def _conclude_review(connection: Connection, review: "asyncpg.Record") -> Sequence[Event]:
    """Complete the review, or ask for the opinion that it still needs."""
    seats = await connection.fetch(_SEATS_WITH_OPINIONS, review["review_id"])
    if any(seat["state"] not in (SETTLE.after, WITHDRAW.after) for seat in seats):
        return ()
    answered = [seat for seat in seats if seat["state"] == SETTLE.after]
    opinions = [parse_given_opinion(seat) for seat in answered]
    settled = settle_opinions(opinions)
    if isinstance(settled, SeatNeeded):
        number = KINDS_IN_ORDER.index(settled.kind) + 1
        await connection.execute(_ADD_SEAT, review["review_id"], number, settled.kind)
        return ()
    deciding_seat = answered[opinions.index(settled)]["seat"]
    return await _complete(connection, review, settled, opinions, deciding_seat=deciding_seat)


async def _complete(
    connection: Connection,
    review: "asyncpg.Record",
    deciding: GivenOpinion,
    opinions: Sequence[GivenOpinion],
    *,
    deciding_seat: int,
) -> Sequence[Event]:
    review_id, label = review["review_id"], deciding.answer.label
    at = await connection.fetchval(_COMPLETE, review_id, label, deciding_seat)
    if at is None:  # completed before: its events are stored
        return ()
    # Also the drafts of those who lost the case or handed it on.
    await connection.execute("DELETE FROM review_queue.drafts WHERE review_id = $1", review_id)
    request = ReviewRequested.model_validate_json(review["body"])
    return (
        review_completed(request, deciding, opinions, blind=review["blind"], at=at),
        decision_made(request, deciding, blind=review["blind"], at=at),
    )
