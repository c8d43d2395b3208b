"""What goes in and out of the HTTP API. Free text is checked here, once."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from services.review_queue.listing import Count, Listed, Revision
from services.review_queue.opinions import Answer, Correction
from services.review_queue.reviews import Assignment, AssignmentState, Priority, ReviewState
from shared.events import Case, Criterion, ModelAnswer, Opinion, RouteReason
from shared.events.base import InclusionProbability
from shared.tasks.fields import ShortText, Text

Reasoning = Annotated[Text, Field(min_length=1, max_length=4000)]
Amount = Annotated[Decimal, Field(ge=0, le=10_000_000, decimal_places=2)]
Token = Annotated[int, Field(ge=1, lt=2**63)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str
    field: str | None = None


class Wanted(_Input):
    """Which case to lease next; the first in line if nothing is said."""

    task: str | None = None
    priority: Priority | None = None


class Fence(_Input):
    """The newest token of the assignment."""

    token: Token


class Heartbeat(Fence):
    """`opened`: the reviewer has the case before his eyes now."""

    opened: bool = False


class Release(Fence):
    reason: ShortText


class QuotedCriterion(_Input):
    source: ShortText
    version: ShortText
    effective_date: ShortText
    text: Reasoning


class Answered(_Input):
    label: str
    reasoning: Reasoning
    reason_code: str | None = None
    approved_amount: Amount | None = None
    criterion: QuotedCriterion | None = None

    def answer(self) -> Answer:
        quoted = self.criterion
        return Answer(
            label=self.label,
            reasoning=self.reasoning,
            approved_amount=self.approved_amount,
            reason_code=self.reason_code,
            criterion=Criterion(**quoted.model_dump()) if quoted else None,
        )


class Submission(Answered, Fence):
    """A decision with its reason."""


class Corrected(_Input):
    """A changed decision. `supersedes_revision`: 0 for the original, then the last correction's."""

    label: str
    reasoning: Reasoning
    approved_amount: Amount | None = None
    why: Reasoning
    supersedes_revision: Annotated[int, Field(ge=0, lt=2**31 - 1)]

    def correction(self) -> Correction:
        answer = Answer(self.label, self.reasoning, self.approved_amount)
        return Correction(answer, self.why, self.supersedes_revision)


class AssignmentView(BaseModel):
    """A leased case. `reason` and `answer` are absent if they must not sway the reviewer."""

    assignment_id: UUID
    token: int
    state: AssignmentState
    leased_at: datetime
    lease_expires_at: datetime
    lease_seconds: float
    review_id: str
    case: Case
    requested_at: AwareDatetime
    reason: RouteReason | None
    model_visible: bool
    answer: ModelAnswer | None

    @classmethod
    def of(cls, assignment: Assignment, *, lease_seconds: float) -> Self:
        request = assignment.request
        return cls(
            assignment_id=assignment.assignment_id,
            token=assignment.token,
            state=assignment.state,
            leased_at=assignment.leased_at,
            lease_expires_at=assignment.lease_expires_at,
            lease_seconds=lease_seconds,
            review_id=request.review_id,
            case=request.case,
            requested_at=request.occurred_at,
            reason=assignment.reason,
            model_visible=request.model_visible,
            answer=assignment.answer,
        )


class LeaseView(BaseModel):
    lease_expires_at: datetime


class SubmittedView(BaseModel):
    """A decision that leaves at `settles_at`, and can be undone until then."""

    review_id: str
    settles_at: datetime
    undo_seconds: float


class QueueView(BaseModel):
    """Counts of open reviews, and of those completed in the last 24 hours."""

    counts: list[Count]


class ReviewPage(BaseModel):
    """Reviews in the order of their arrival. `after` continues behind them; null at the end."""

    reviews: list[Listed]
    after: int | None


class ReviewView(BaseModel):
    """A review with its case and what was said of it. `revision` is the decision's newest."""

    review_id: str
    state: ReviewState
    case: Case
    reason: RouteReason
    inclusion_probability: InclusionProbability
    routing_version: str
    requested_at: AwareDatetime
    completed_at: datetime | None
    model_visible: bool
    answer: ModelAnswer | None
    opinions: list[Opinion]
    corrections: list[Revision]
    revision: int


class CorrectionView(BaseModel):
    review_id: str
    revision: int


class Credentials(_Input):
    name: Annotated[str, Field(max_length=200)]
    password: Annotated[SecretStr, Field(max_length=200)]


class SessionView(BaseModel):
    """Send the token as bearer token; a browser has it as cookie too."""

    token: str
    name: str
    role: str
    expires_at: datetime


class NewUser(Credentials):
    role: str


class UserView(BaseModel):
    name: str
    role: str
