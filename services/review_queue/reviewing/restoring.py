"""What this queue decided before its tables were restored from a backup is decided still.

Its own events are read again before anybody works: each review that was completed is completed as
it was, with its opinions and corrections, and nobody is asked a second time. Where the request of a
review is not read again yet, its decision waits for it in `earlier_decisions`.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import asyncpg

from services.review_queue.people import audit
from services.review_queue.reviewing.consensus import (
    KINDS_IN_ORDER,
    SeatNeeded,
    settle_opinions,
)
from services.review_queue.reviewing.opinions import Answer, GivenOpinion, decision_made
from services.review_queue.reviewing.states import EXPIRE, LEASE, SETTLE, SUBMIT, WITHDRAW, Kind
from shared.auth.principal import Machine
from shared.errors import Conflict, Rejected
from shared.events import Criterion, DecisionCorrected, Opinion, ReviewCompleted, ReviewRequested
from shared.messaging.outbox import Outbox
from shared.storage.database import Connection, Database
from shared.telemetry import logger

_RECOVERY = Machine("recovery", (), "unknown")
# What is said of an event that cannot be one of ours; the rest of them is restored all the same.
_UNFIT = (Rejected, ValueError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)

_REMEMBER = """
INSERT INTO review_queue.earlier_decisions (case_id, revision, body)
SELECT said.* FROM unnest($1::text[], $2::int[], $3::text[]) AS said (case_id, revision, body)
WHERE NOT EXISTS (
    SELECT FROM review_queue.reviews AS r LEFT JOIN review_queue.corrections AS c
        ON c.review_id = r.review_id AND c.revision = said.revision
    WHERE r.case_id = said.case_id
        AND CASE WHEN said.revision = 0 THEN r.completed_at ELSE c.corrected_at END IS NOT NULL)
ON CONFLICT DO NOTHING
"""
_REMEMBERED = """
SELECT e.case_id, e.revision, e.body, r.review_id, r.blind, q.body AS request
FROM review_queue.earlier_decisions AS e JOIN review_queue.reviews AS r USING (case_id)
JOIN review_queue.requests AS q USING (review_id)
WHERE e.case_id = ANY($1::text[]) ORDER BY e.case_id, e.revision FOR UPDATE OF e, r
"""
_FORGET = "DELETE FROM review_queue.earlier_decisions WHERE case_id = $1 AND revision = $2"
_END_LEASES = f"""
UPDATE review_queue.assignments SET state = '{EXPIRE.assignment}', ended_at = clock_timestamp()
WHERE review_id = $1 AND state IN ('{LEASE.assignment}', '{SUBMIT.assignment}')
"""  # noqa: S608
_END_SEATS = f"""
WITH rest AS (
    UPDATE review_queue.seats SET state = '{WITHDRAW.after}', settles_at = NULL
    WHERE review_id = $1 AND seat <> ALL($2::smallint[])
)
INSERT INTO review_queue.seats
    (review_id, seat, kind, state, task, reason, priority, amount, requested_at, queue_rank)
SELECT review_id, answered.seat, answered.kind, '{SETTLE.after}',
    task, reason, priority, amount, requested_at, queue_rank
FROM review_queue.seats AS first
CROSS JOIN unnest($2::smallint[], $3::text[]) AS answered (seat, kind)
WHERE first.review_id = $1 AND first.seat = 1
ON CONFLICT (review_id, seat) DO UPDATE SET state = '{SETTLE.after}', settles_at = NULL
"""  # noqa: S608
_INSERT_ASSIGNMENT = f"""
INSERT INTO review_queue.assignments (review_id, seat, reviewer, state, leased_at,
    lease_expires_at, label_before, committed_at, ended_at)
VALUES ($1, $2, $3, '{SETTLE.assignment}', $4::timestamptz - make_interval(secs => $5), $4, $6,
    CASE WHEN $6::text IS NOT NULL THEN $4::timestamptz END, $4)
ON CONFLICT DO NOTHING
"""  # noqa: S608
_INSERT_OPINION = """
INSERT INTO review_queue.opinions (review_id, seat, reviewer, decided_at, dwell_seconds,
    label_before, label, reasoning, approved_amount, reason_code, clinical_basis, criterion, panels,
    simulated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
_COMPLETE = """
UPDATE review_queue.reviews SET label = $2, deciding_seat = $3, completed_at = $4
WHERE review_id = $1 AND completed_at IS NULL RETURNING true
"""
_CORRECT = """
INSERT INTO review_queue.corrections (review_id, revision, why, corrected_by, corrected_at,
    label, reasoning, approved_amount, reason_code, clinical_basis, criterion)
SELECT review_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM review_queue.reviews
WHERE review_id = $1 AND completed_at IS NOT NULL AND $2 = 1 + coalesce(
    (SELECT max(revision) FROM review_queue.corrections WHERE review_id = $1), 0)
RETURNING true
"""


class Restoring:
    """Takes this queue's own events of before."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self.database = database
        self.outbox = outbox

    async def take(self, events: Sequence[ReviewCompleted | DecisionCorrected]) -> None:
        """Remember what the tables do not know, and restore it where its review is known."""
        rows = {(each.key, each.event_revision): each.model_dump_json() for each in events}
        if not rows:
            return
        case_ids, revisions = zip(*rows, strict=True)
        async with self.database.transaction() as connection:
            await connection.execute(_REMEMBER, case_ids, revisions, list(rows.values()))
            await self.restore(connection, case_ids)

    async def restore(self, connection: Connection, case_ids: Sequence[str]) -> None:
        """Decide the reviews of these cases as they were decided, if that is remembered."""
        for row in await connection.fetch(_REMEMBERED, case_ids):
            restore = self._complete if row["revision"] == 0 else _correct
            try:
                async with connection.transaction():
                    restored = await restore(connection, row)
            except _UNFIT as error:
                logger.error(
                    "decision not restored", case_id=row["case_id"], kind=type(error).__name__
                )
                await connection.execute(_FORGET, row["case_id"], row["revision"])
                continue
            if restored:
                await _note(connection, row)

    async def _complete(self, connection: Connection, row: "asyncpg.Record") -> bool:
        """Complete the review, and have its decision sent again: it may not have left before."""
        event = ReviewCompleted.model_validate_json(row["body"])
        request = ReviewRequested.model_validate_json(row["request"])
        deciding = _deciding_opinion(event, request)
        numbers = await _end_seats(connection, event)
        for number, opinion in zip(numbers, event.opinions, strict=True):
            await _insert_opinion(connection, event.review_id, number, opinion)
        deciding_seat = numbers[event.opinions.index(deciding.opinion)]
        completed = await connection.fetchval(
            _COMPLETE, event.review_id, event.label, deciding_seat, event.occurred_at
        )
        decision = decision_made(request, deciding, blind=row["blind"], at=event.occurred_at)
        await self.outbox.add(connection, [decision])
        return bool(completed)


def _deciding_opinion(event: ReviewCompleted, request: ReviewRequested) -> GivenOpinion:
    """The opinion that the decision is; `Conflict` if the event is none of this request, or not
    what its opinions come to."""
    for name in ("review_id", "case", "reason", "inclusion_probability", "routing_version"):
        if getattr(event, name) != getattr(request, name):
            raise Conflict("is not as it was requested", field=name)
    given = [GivenOpinion(each.kind, _answer_of(each), each) for each in event.opinions]
    if not 0 < len(given) == len({each.kind for each in given}):
        raise Conflict("are not of one seat each", field="opinions")
    deciding = settle_opinions(given)
    if isinstance(deciding, SeatNeeded) or deciding.answer.outcome != (
        *(event.label, _amount(event.approved_amount)),
    ):
        raise Conflict("is not what the opinions come to", field="label")
    return deciding


async def _end_seats(connection: Connection, event: ReviewCompleted) -> Sequence[int]:
    """Nobody is asked any more: the numbers of the seats on which the opinions were given."""
    review_id = event.review_id
    await connection.execute(_END_LEASES, review_id)
    seats = await connection.fetch(
        "SELECT seat, kind FROM review_queue.seats WHERE review_id = $1", review_id
    )
    kinds = [opinion.kind for opinion in event.opinions]
    numbers = seat_numbers(kinds, {row["kind"]: row["seat"] for row in seats})
    await connection.execute(_END_SEATS, review_id, numbers, kinds)
    for table in ("opinions", "drafts"):
        await connection.execute(
            f"DELETE FROM review_queue.{table} WHERE review_id = $1",  # noqa: S608
            review_id,
        )
    return numbers


def seat_numbers(kinds: Sequence[Kind], known: Mapping[Kind, int]) -> list[int]:
    """The seat of each kind: the one that the review has, else one that it has not."""
    numbers: dict[Kind, int] = {}
    for kind in sorted(kinds, key=KINDS_IN_ORDER.index):
        usual = KINDS_IN_ORDER.index(kind) + 1
        taken = {*known.values(), *numbers.values()}
        free = [number for number in (usual, *range(4, 0, -1)) if number not in taken]
        numbers[kind] = known[kind] if kind in known else free[0]
    return [numbers[kind] for kind in kinds]


async def _insert_opinion(
    connection: Connection, review_id: str, seat: int, opinion: Opinion
) -> None:
    given = (review_id, seat, opinion.reviewer, opinion.decided_at, opinion.dwell_seconds)
    await connection.execute(_INSERT_ASSIGNMENT, *given, opinion.label_before)
    await connection.execute(
        _INSERT_OPINION,
        *given,
        opinion.label_before,
        opinion.label,
        opinion.reasoning,
        _amount(opinion.approved_amount),
        opinion.reason_code,
        opinion.clinical_basis,
        _json(opinion.criterion),
        list(opinion.panels),
        opinion.simulated,
    )


async def _correct(connection: Connection, row: "asyncpg.Record") -> bool:
    """Add a correction if it is the next one of a decided review."""
    event = DecisionCorrected.model_validate_json(row["body"])
    return bool(
        await connection.fetchval(
            _CORRECT,
            row["review_id"],
            event.revision,
            event.why,
            event.corrected_by,
            event.occurred_at,
            event.label,
            event.reasoning,
            _amount(event.approved_amount),
            event.reason_code,
            event.clinical_basis,
            _json(event.criterion),
        )
    )


async def _note(connection: Connection, row: "asyncpg.Record") -> None:
    await connection.execute(_FORGET, row["case_id"], row["revision"])
    await audit.record(
        connection, _RECOVERY, "restored", row["review_id"], revision=row["revision"]
    )


def _answer_of(opinion: Opinion) -> Answer:
    return Answer(
        label=opinion.label,
        reasoning=opinion.reasoning,
        approved_amount=_amount(opinion.approved_amount),
        reason_code=opinion.reason_code,
        criterion=opinion.criterion,
        clinical_basis=opinion.clinical_basis,
    )


def _amount(dollars: float | None) -> Decimal | None:
    return None if dollars is None else Decimal(str(dollars))


def _json(criterion: Criterion | None) -> str | None:
    return criterion.model_dump_json() if criterion else None
