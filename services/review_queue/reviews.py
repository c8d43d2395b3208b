"""Reviews and the assignments they are worked in: what the rows of the tables mean."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from shared.errors import Rejected
from shared.events import ModelAnswer, ReviewRequested, RouteReason
from shared.tasks import get_task
from shared.topics import RECORD_LIMIT_BYTES

ReviewState = Literal["queued", "leased", "submitted", "completed"]
AssignmentState = Literal["leased", "submitted", "released", "expired"]
Priority = Literal[1, 2, 3]

# How far ahead of its time a review stands in line.
HEAD_START: dict[Priority, timedelta] = {
    1: timedelta(hours=24),
    2: timedelta(hours=8),
    3: timedelta(0),
}
# A completed review carries its case again, with the opinions: those need room in the record.
ROOM_FOR_OPINIONS_BYTES = 96 * 1024


@dataclass(frozen=True)
class Assignment:
    """A reviewer's leased share of a review. Whoever acts on it shows its newest `token`."""

    assignment_id: UUID
    token: int
    state: AssignmentState
    leased_at: datetime
    lease_expires_at: datetime
    request: ReviewRequested

    @property
    def answer(self) -> ModelAnswer | None:
        """The model's answer, if this reviewer may see it."""
        return self.request.answer if self.request.model_visible else None

    @property
    def reason(self) -> RouteReason | None:
        """Why the case is here, unless that would give the model's answer away."""
        return self.request.reason if self.request.model_visible else None


def priority_of(request: ReviewRequested) -> Priority:
    """A claim that comes back has waited before; an audit only measures."""
    if request.case.attempt > 1:
        return 1
    return 3 if request.reason == "audit" else 2


def place_of(request: ReviewRequested) -> datetime:
    return request.occurred_at - HEAD_START[priority_of(request)]


def check(request: ReviewRequested) -> None:
    """`Rejected` if the review could not be completed: unknown task, or too large."""
    get_task(request.case.task)
    size = len(request.model_dump_json().encode())
    limit = RECORD_LIMIT_BYTES - ROOM_FOR_OPINIONS_BYTES
    if size > limit:
        raise Rejected(f"the review has {size} bytes; at most {limit}", field="case.input")
