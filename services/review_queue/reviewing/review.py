"""Reviews and the assignments they are worked in: what the rows of the tables mean."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.review_queue.reviewing.states import AssignmentState, Kind
from shared.errors import Rejected
from shared.events import ModelAnswer, Opinion, ReviewRequested, RouteReason
from shared.messaging.topics import RECORD_LIMIT_BYTES
from shared.sampling import DrawKey
from shared.tasks import get_task

Priority = Literal[1, 2]
# Why a review is here, as far as lists and counts may tell: their readers may get it next.
ListedReason = Literal[RouteReason, "blind"]

# How much earlier than it was requested a review ranks in the queue.
HEAD_START: dict[Priority, timedelta] = {
    1: timedelta(hours=24),
    2: timedelta(hours=8),
}
# A completed review carries its case again, with four opinions at most: those need room in the
# record, however much is written, and in whichever script.
ROOM_FOR_OPINIONS_BYTES = 256 * 1024


@dataclass(frozen=True)
class Shares:
    """Of a task's reviews: the share that several reviewers see, and the share that is blind.

    `opinions`: how many reviewers see one that several see. `blind`: the model's answer is hidden
    until the reviewer has committed to an answer of their own.
    """

    overlap: float
    blind: float
    opinions: int = 2

    def opinions_wanted(self, review_id: str, key: DrawKey) -> int:
        """`opinions` for the share that several reviewers see, drawn by key; 1 for the others."""
        return self.opinions if key.draw("overlap", review_id) < self.overlap else 1

    def is_blind(self, request: ReviewRequested, key: DrawKey) -> bool:
        """Drawn by key; and every audit, which measures nothing if the reviewer knows that the
        model would have approved. Among the drawn ones, nobody tells which it is."""
        return key.draw("blind", request.review_id) < self.blind or request.reason == "audit"


@dataclass(frozen=True)
class Assignment:
    """A reviewer's leased seat of a review. Whoever acts on it shows its newest `token`."""

    assignment_id: UUID
    token: int
    state: AssignmentState
    kind: Kind
    leased_at: datetime
    lease_expires_at: datetime
    label_before: str | None  # the reviewer's own answer, if they committed to one
    blind: bool
    request: ReviewRequested
    # The others' opinions and why it was escalated: on a final seat only.
    opinions: tuple[Opinion, ...] = ()
    escalated_why: str | None = None

    @property
    def model_visible(self) -> bool:
        """Whether this reviewer may see the model's answer now."""
        return self.request.model_visible and (not self.blind or self.label_before is not None)

    @property
    def answer(self) -> ModelAnswer | None:
        return self.request.answer if self.model_visible else None

    @property
    def reason(self) -> RouteReason | None:
        """Why the case is here, unless that would give the model's answer away."""
        return self.request.reason if self.model_visible else None


def listed_reason(request: ReviewRequested, *, blind: bool) -> ListedReason:
    """The route reason, unless it would give the model's answer away."""
    return "blind" if blind or not request.model_visible else request.reason


def priority_of(request: ReviewRequested) -> Priority:
    """A claim that comes back has waited before. Nothing else counts: not the reason either, or
    the place in line would give it away."""
    return 1 if request.case.attempt > 1 else 2


def queue_rank_of(request: ReviewRequested, priority: Priority) -> datetime:
    return request.occurred_at - HEAD_START[priority]


def check_reviewable(request: ReviewRequested) -> None:
    """`Rejected` if the review could not be completed: unknown task, or too large."""
    get_task(request.case.task)
    size = len(request.model_dump_json().encode())
    limit = RECORD_LIMIT_BYTES - ROOM_FOR_OPINIONS_BYTES
    if size > limit:
        raise Rejected(f"the review has {size} bytes; at most {limit}", field="case.input")
