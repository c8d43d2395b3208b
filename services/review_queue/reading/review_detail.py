"""One review with its case and everything that was said and done about it, in order.

Nothing is left out here: `redaction.py` says what of it somebody may see.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import asyncpg

from services.review_queue.reviewing.opinion_rows import parse_given_opinion
from services.review_queue.reviewing.opinions import GivenOpinion
from services.review_queue.reviewing.states import AssignmentState, Kind, SeatState
from shared.errors import NotFound
from shared.events import Criterion, ModelAnswer, Opinion, ReviewRequested, RouteReason
from shared.storage.database import Connection

_REVIEW = """
SELECT label, deciding_seat, completed_at, blind, body
FROM review_queue.reviews JOIN review_queue.requests USING (review_id) WHERE review_id = $1
"""
_SEATS = """
SELECT o.*, s.seat AS number, s.kind, s.state, a.reviewer AS holder
FROM review_queue.seats AS s
LEFT JOIN review_queue.opinions AS o USING (review_id, seat)
LEFT JOIN review_queue.assignments AS a ON a.review_id = s.review_id AND a.seat = s.seat
    AND a.state IN ('leased', 'submitted', 'answered')
WHERE s.review_id = $1 ORDER BY number
"""
_ENDED = """
SELECT seat, reviewer, state, ended_why AS why, ended_at AS at FROM review_queue.assignments
WHERE review_id = $1 AND state IN ('released', 'escalated', 'expired') ORDER BY ended_at
"""
_CORRECTIONS = """
SELECT revision, label, reasoning, approved_amount, reason_code, criterion, clinical_basis, why,
    corrected_by, corrected_at
FROM review_queue.corrections WHERE review_id = $1 ORDER BY revision
"""
_NOTES = """
SELECT author, text, written_at FROM review_queue.notes WHERE review_id = $1 ORDER BY note_id
"""


@dataclass(frozen=True)
class Seat:
    """A seat, who holds it or has answered it, and what they said."""

    seat: int
    kind: Kind
    state: SeatState
    reviewer: str | None
    given: GivenOpinion | None


@dataclass(frozen=True)
class EndedLease:
    """A lease that ended without an answer: given back, handed on or run out."""

    seat: int
    reviewer: str
    state: AssignmentState
    why: str | None
    at: datetime


@dataclass(frozen=True)
class Revision:
    """One change of a decision after it had left, with all that it rests on."""

    revision: int
    label: str
    reasoning: str
    approved_amount: Decimal | None
    reason_code: str | None
    criterion: Criterion | None
    clinical_basis: str | None
    why: str
    corrected_by: str
    corrected_at: datetime


@dataclass(frozen=True)
class Note:
    author: str
    text: str
    written_at: datetime


@dataclass(frozen=True)
class ReviewDetail:
    """A review. `deciding_seat`: the seat whose opinion is the decision.

    `model_hidden`: the reader may not know what the model said, nor what would give it away;
    `masked`: they may not know whom the case is about.
    """

    label: str | None
    deciding_seat: int | None
    completed_at: datetime | None
    blind: bool
    request: ReviewRequested
    seats: tuple[Seat, ...]
    ended: tuple[EndedLease, ...]
    corrections: tuple[Revision, ...]
    notes: tuple[Note, ...]
    model_hidden: bool = False
    masked: bool = False

    @property
    def author(self) -> str | None:
        """Whose opinion is the decision."""
        deciding = (seat.reviewer for seat in self.seats if seat.seat == self.deciding_seat)
        return next(deciding, None)

    @property
    def states(self) -> tuple[SeatState, ...]:
        return tuple(seat.state for seat in self.seats)

    @property
    def opinions(self) -> tuple[Opinion, ...]:
        return tuple(seat.given.opinion for seat in self.seats if seat.given)

    @property
    def answer(self) -> ModelAnswer | None:
        return None if self.model_hidden else self.request.answer

    @property
    def reason(self) -> RouteReason | None:
        return None if self.model_hidden else self.request.reason


async def load_review_detail(connection: Connection, review_id: str) -> ReviewDetail:
    """`NotFound` if there is no such review."""
    row = await connection.fetchrow(_REVIEW, review_id)
    if row is None:
        raise NotFound("no such review")
    seats = await connection.fetch(_SEATS, review_id)
    ended = await connection.fetch(_ENDED, review_id)
    corrections = await connection.fetch(_CORRECTIONS, review_id)
    notes = await connection.fetch(_NOTES, review_id)
    return ReviewDetail(
        label=row["label"],
        deciding_seat=row["deciding_seat"],
        completed_at=row["completed_at"],
        blind=row["blind"],
        request=ReviewRequested.model_validate_json(row["body"]),
        seats=tuple(_parse_seat(each) for each in seats),
        ended=tuple(EndedLease(**each) for each in ended),
        corrections=tuple(_parse_revision(each) for each in corrections),
        notes=tuple(Note(**each) for each in notes),
    )


def _parse_seat(row: "asyncpg.Record") -> Seat:
    given = parse_given_opinion(row) if row["label"] is not None else None
    return Seat(row["number"], row["kind"], row["state"], row["holder"], given)


def _parse_revision(row: "asyncpg.Record") -> Revision:
    criterion = row["criterion"]
    return Revision(
        **{**row, "criterion": Criterion.model_validate_json(criterion) if criterion else None}
    )
