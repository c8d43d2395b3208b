"""What goes in and out of the HTTP API of whoever looks after the queue."""

from datetime import datetime
from decimal import Decimal
from typing import Self

from pydantic import AwareDatetime, BaseModel

from services.review_queue.api.fields import Input
from services.review_queue.people.audit import AuditEntry
from services.review_queue.reading.listing import ListedSeat, SearchHit, SeatCount
from services.review_queue.reading.review_detail import (
    EndedLease,
    Note,
    ReviewDetail,
    Revision,
    Seat,
)
from services.review_queue.reviewing.reviewers import HeldCase, ReviewerRow
from services.review_queue.reviewing.states import Kind, SeatState
from shared.events import Case, ModelAnswer, Opinion, RouteReason
from shared.events.base import InclusionProbability
from shared.tasks.fields import ShortText


class QueueView(BaseModel):
    """Counts of open seats, and of those completed in the last 24 hours."""

    counts: list[SeatCount]


class SeatPage(BaseModel):
    """Seats in the order of their arrival. `after` continues behind them; null at the end."""

    seats: list[ListedSeat]
    after: int | None


class SearchView(BaseModel):
    """The newest 50 reviews of a case, claim or member."""

    reviews: list[SearchHit]


class SeatView(BaseModel):
    """A seat of a review, who holds or answered it, and their opinion where it may be seen."""

    seat: int
    kind: Kind
    state: SeatState
    reviewer: str | None
    opinion: Opinion | None
    approved_amount: Decimal | None


class ReviewView(BaseModel):
    """A review with its case and what was said of it. `revision` is the decision's newest.

    `model_hidden`: the model's answer is hidden from the caller, who may still be asked for their
    own, and with it `reason`, `inclusion_probability` and `routing_version`.
    """

    review_id: str
    label: str | None
    case: Case
    model_hidden: bool
    reason: RouteReason | None
    inclusion_probability: InclusionProbability | None
    routing_version: str | None
    requested_at: AwareDatetime
    completed_at: datetime | None
    blind: bool
    answer: ModelAnswer | None
    seats: list[SeatView]
    ended: list[EndedLease]
    corrections: list[Revision]
    notes: list[Note]
    revision: int

    @classmethod
    def of(cls, detail: ReviewDetail) -> Self:
        request = detail.request
        return cls(
            review_id=request.review_id,
            label=detail.label,
            case=request.case,
            model_hidden=detail.model_hidden,
            reason=detail.reason,
            inclusion_probability=None if detail.model_hidden else request.inclusion_probability,
            routing_version=None if detail.model_hidden else request.routing_version,
            requested_at=request.occurred_at,
            completed_at=detail.completed_at,
            blind=detail.blind,
            answer=detail.answer,
            seats=[_seat_view(seat) for seat in detail.seats],
            ended=list(detail.ended),
            corrections=list(detail.corrections),
            notes=list(detail.notes),
            revision=len(detail.corrections),
        )


def _seat_view(seat: Seat) -> SeatView:
    return SeatView(
        seat=seat.seat,
        kind=seat.kind,
        state=seat.state,
        reviewer=seat.reviewer,
        opinion=seat.given.opinion if seat.given else None,
        approved_amount=seat.given.answer.approved_amount if seat.given else None,
    )


class ReviewersView(BaseModel):
    reviewers: list[ReviewerRow]


class ReviewerView(BaseModel):
    reviewer: ReviewerRow
    held: list[HeldCase]


class AuditPage(BaseModel):
    """The newest entries first. `before` continues with older ones; null at the end."""

    entries: list[AuditEntry]
    before: int | None


class Pause(Input):
    why: ShortText


class PausedView(BaseModel):
    """`returned`: how many cases the reviewer held, which others get now."""

    name: str
    returned: int
