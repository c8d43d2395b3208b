"""What goes in and out of the HTTP API of reviewers. Free text is checked here, once."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, JsonValue, field_validator

from services.review_queue.api.fields import Amount, Input, Reasoning
from services.review_queue.reading.case_rules import rules_of
from services.review_queue.reviewing.opinions import Answer, Correction
from services.review_queue.reviewing.review import Assignment, Priority
from services.review_queue.reviewing.states import AssignmentState, Kind
from shared.events import Case, Criterion, ModelAnswer, RouteReason
from shared.tasks import get_task
from shared.tasks.fields import ShortText, Text
from shared.tasks.presentation import Rule

PanelName = Annotated[Text, Field(max_length=80, pattern=r"^[ -~]+$")]
Token = Annotated[int, Field(ge=1, lt=2**63)]
DRAFT_LIMIT_BYTES = 64 * 1024  # five texts of 4,000 characters


class LeaseRequest(Input):
    """Which case to lease next; the first in the queue if nothing is said."""

    task: str | None = None
    priority: Priority | None = None


class Fence(Input):
    """The newest token of the assignment."""

    token: Token


class Heartbeat(Fence):
    """`opened`: the reviewer has the case in front of them now."""

    opened: bool = False


class Release(Fence):
    reason: ShortText


class Escalation(Fence):
    """Why somebody senior should have the final word."""

    reason: Reasoning


class Commitment(Fence):
    """The reviewer's own answer, given before they see the model's."""

    label: ShortText


class Draft(Input):
    """What the form holds so far, as the page keeps it: any JSON up to 64 KiB."""

    content: dict[str, JsonValue]

    @field_validator("content")
    @classmethod
    def _small(cls, content: dict[str, JsonValue]) -> dict[str, JsonValue]:
        # No number that JSON lacks, and no half of a character: neither could be sent back.
        text = json.dumps(content, allow_nan=False, ensure_ascii=False)
        if len(text.encode()) > DRAFT_LIMIT_BYTES:
            raise ValueError(f"more than {DRAFT_LIMIT_BYTES} bytes")
        return content


class DraftView(BaseModel):
    content: dict[str, JsonValue] | None


class NewNote(Input):
    text: Reasoning


class QuotedCriterion(Input):
    source: ShortText
    version: ShortText
    effective_date: ShortText
    text: Reasoning


class AnswerBody(Input):
    label: str
    reasoning: Reasoning
    reason_code: str | None = None
    approved_amount: Amount | None = None
    criterion: QuotedCriterion | None = None
    clinical_basis: Reasoning | None = None

    def answer(self) -> Answer:
        quoted = self.criterion
        return Answer(
            label=self.label,
            reasoning=self.reasoning,
            approved_amount=self.approved_amount,
            reason_code=self.reason_code,
            criterion=Criterion(**quoted.model_dump()) if quoted else None,
            clinical_basis=self.clinical_basis,
        )


class Submission(AnswerBody, Fence):
    """A decision with its reason. `panels`: what the reviewer opened on the page."""

    panels: list[PanelName] = Field(default=[], max_length=50)


class NewCorrection(AnswerBody):
    """A changed decision. `supersedes_revision`: 0 for the original, then the last correction's."""

    why: Reasoning
    supersedes_revision: Annotated[int, Field(ge=0, lt=2**31 - 1)]

    def correction(self) -> Correction:
        return Correction(self.answer(), self.why, self.supersedes_revision)


class EarlierOpinion(BaseModel):
    """What another reviewer said, without their name."""

    label: str
    reasoning: str
    reason_code: str | None
    criterion: Criterion | None
    clinical_basis: str | None
    decided_at: AwareDatetime


class AssignmentView(BaseModel):
    """A leased case. `reason` and `answer` are absent while they must not sway the reviewer.

    `rules` bear on the case and can be quoted as `criterion`. `opinions` and `escalated_why` are
    there where the reviewer has the final word.
    """

    assignment_id: UUID
    token: int
    state: AssignmentState
    kind: Kind
    leased_at: datetime
    lease_expires_at: datetime
    lease_seconds: float
    review_id: str
    case: Case
    requested_at: AwareDatetime
    reason: RouteReason | None
    model_visible: bool
    label_before: str | None
    answer: ModelAnswer | None
    rules: list[Rule]
    opinions: list[EarlierOpinion]
    escalated_why: str | None

    @classmethod
    def of(cls, assignment: Assignment, *, lease: timedelta) -> Self:
        request = assignment.request
        case = request.case
        return cls(
            assignment_id=assignment.assignment_id,
            token=assignment.token,
            state=assignment.state,
            kind=assignment.kind,
            leased_at=assignment.leased_at,
            lease_expires_at=assignment.lease_expires_at,
            lease_seconds=lease.total_seconds(),
            review_id=request.review_id,
            case=case,
            requested_at=request.occurred_at,
            reason=assignment.reason,
            model_visible=assignment.model_visible,
            label_before=assignment.label_before,
            answer=assignment.answer,
            rules=list(rules_of(get_task(case.task), case.input)),
            opinions=[
                EarlierOpinion.model_validate(opinion, from_attributes=True)
                for opinion in assignment.opinions
            ],
            escalated_why=assignment.escalated_why,
        )


class LeaseView(BaseModel):
    lease_expires_at: datetime


class CommittedView(BaseModel):
    """What the reviewer may see now. Both are null where no model answered."""

    answer: ModelAnswer | None
    reason: RouteReason | None


class SubmittedView(BaseModel):
    """A decision that leaves at `settles_at`, and can be undone until then."""

    review_id: str
    settles_at: datetime
    undo_seconds: float


class CorrectionView(BaseModel):
    review_id: str
    revision: int
