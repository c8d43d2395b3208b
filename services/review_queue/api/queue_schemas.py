"""What goes in and out of the HTTP API of whoever looks after the queue."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, Field

from services.review_queue.api.assignment_schemas import Input
from services.review_queue.people.audit import Entry
from services.review_queue.people.reviewers import Held, ReviewerRow
from services.review_queue.reading.listing import Count, Found, Listed
from services.review_queue.reading.review_detail import Detail, Ended, Note, Revision, Seat
from services.review_queue.reviewing.states import Kind, SeatState
from shared.events import Case, ModelAnswer, Opinion, RouteReason
from shared.events.base import InclusionProbability
from shared.tasks.fields import ShortText, Text


class QueueView(BaseModel):
    """Counts of open seats, and of those completed in the last 24 hours."""

    counts: list[Count]


class SeatPage(BaseModel):
    """Seats in the order of their arrival. `after` continues behind them; null at the end."""

    seats: list[Listed]
    after: int | None


class Search(Input):
    text: Annotated[Text, Field(min_length=1, max_length=128)]


class FoundView(BaseModel):
    """The newest 50 reviews of a case, claim or member."""

    reviews: list[Found]


class SeatView(BaseModel):
    """A seat of a review, who holds or answered it, and his opinion where it may be seen."""

    seat: int
    kind: Kind
    state: SeatState
    reviewer: str | None
    opinion: Opinion | None
    approved_amount: Decimal | None


class ReviewView(BaseModel):
    """A review with its case and what was said of it. `revision` is the decision's newest.

    `model_hidden`: the model's answer is withheld from the caller, who may still be asked for their
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
    ended: list[Ended]
    corrections: list[Revision]
    notes: list[Note]
    revision: int

    @classmethod
    def of(cls, found: Detail) -> Self:
        request = found.request
        return cls(
            review_id=request.review_id,
            label=found.label,
            case=request.case,
            model_hidden=found.model_hidden,
            reason=found.reason,
            inclusion_probability=None if found.model_hidden else request.inclusion_probability,
            routing_version=None if found.model_hidden else request.routing_version,
            requested_at=request.occurred_at,
            completed_at=found.completed_at,
            blind=found.blind,
            answer=found.answer,
            seats=[_seat_view(seat) for seat in found.seats],
            ended=list(found.ended),
            corrections=list(found.corrections),
            notes=list(found.notes),
            revision=len(found.corrections),
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
    held: list[Held]


class AuditPage(BaseModel):
    """The newest entries first. `before` continues with older ones; null at the end."""

    entries: list[Entry]
    before: int | None


class Pause(Input):
    why: ShortText


class PausedView(BaseModel):
    """`returned`: how many cases the reviewer held, which others get now."""

    name: str
    returned: int
