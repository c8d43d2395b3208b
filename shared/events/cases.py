"""Cases, what the models say of them, and what is decided."""

from decimal import Decimal
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, computed_field, model_validator

from shared.clock import utc_day
from shared.errors import Rejected
from shared.events.base import (
    Attempt,
    ClaimId,
    Event,
    Frozen,
    Identifier,
    InclusionProbability,
    Input,
    Probability,
    Sha256,
    Source,
)
from shared.tasks import get_task
from shared.tasks.task import Standing, content_hash

Arm = Literal["champion", "candidate"]
RouteReason = Literal[
    "confident",  # the only reason to accept; all others ask for a review
    "low_confidence",
    "adverse",
    "audit",
    "label_mass",
    "unscored",  # the champion could not score the case
    "stale_version",  # no current rollout has the version, or the prediction knew a newer one
    "prompt_mismatch",  # the case was put in other words than its task uses now
    "unchecked",  # a check of the case could not be made, which is never a pass
    "open_edit",  # an edit failed or waits for something
    "repeated",  # the claim or its content was judged before, or this is a further attempt
    "amount",  # more is at stake than a model may decide
    "stopped",
    "no_champion",
]


class Criterion(Frozen):
    """The rule that an expert applied, quoted with where it stands."""

    source: str
    version: str
    effective_date: str
    text: str


class CaseSubmitted(Event):
    """A case as a claims system hands it in."""

    type: ClassVar[str] = "cases.submitted.v1"

    case_id: Identifier
    task: Identifier
    input: Input
    claim_id: ClaimId | None = None
    attempt: Attempt = 1
    supersedes_case_id: Identifier | None = None
    reasoning_requested: bool = False

    @property
    def natural_key(self) -> str:
        return self.case_id

    @property
    def key(self) -> str:
        return self.case_id


class CaseRejected(Event):
    """A record of `cases.submitted.v1` that is no case: its sender reads here why.

    `reason` and `field` repeat nothing of what was sent. The record itself is a dead letter.
    """

    type: ClassVar[str] = "cases.rejected.v1"

    case_id: Identifier | None = None  # none if the record does not say
    record_key: str | None = None
    reason: str
    field: str | None = None
    partition: Annotated[int, Field(ge=0)]  # where the record lies
    offset: Annotated[int, Field(ge=0)]

    @property
    def natural_key(self) -> str:
        return f"{self.partition}/{self.offset}"

    @property
    def key(self) -> str:
        return self.case_id or self.record_key or self.natural_key


class Case(Frozen):
    """A case whose input was checked and completed by its task. `group_id` was fixed at ingestion.

    `content_sha256` is of what was submitted: equal for the same case handed in again, whatever
    its task has come to add, and different for another content.
    """

    case_id: Identifier
    task: Identifier
    input: Input
    group_id: Identifier
    claim_id: ClaimId | None = None
    attempt: Attempt = 1
    supersedes_case_id: Identifier | None = None
    submitted_at: AwareDatetime
    content_sha256: Sha256

    @cached_property
    def content(self) -> BaseModel:
        """The input as its task reads it; `Rejected` if it is none of that task."""
        return get_task(self.task).validate(self.input)

    @cached_property
    def standing(self) -> Standing:
        """What the task's checks leave of the case, those of the day on which it came in, too."""
        return get_task(self.task).standing_of(
            self.content, submitted_on=utc_day(self.submitted_at)
        )

    @property
    def is_further_attempt(self) -> bool:
        """Whether its claim was judged before, by what the case itself says."""
        return self.attempt > 1 or self.supersedes_case_id is not None

    @property
    def judged_sha256(self) -> str:
        """Of what is judged: equal where the same is asked for again under other ids."""
        return content_hash(self.task, get_task(self.task).judged_of(self.content))

    @property
    def amount_at_stake(self) -> Decimal | None:
        """The dollars of which a part can be approved, if the task knows such an amount."""
        field = get_task(self.task).amount_field
        amount = self.input.get(field) if field else None
        return None if amount is None else Decimal(str(amount))


class Score(Frozen):
    """What one model version said of a case."""

    version: Identifier
    arm: Arm
    log_probabilities: dict[str, float]  # natural logarithm of each label's raw probability
    label_mass: Annotated[float, Field(ge=0.0, le=1.001)]  # raw probability of all labels together
    temperature: Annotated[float, Field(gt=0.0)]
    probabilities: dict[str, Probability]  # calibrated, over the task's labels
    adapter_sha256: Sha256
    prompt_version: Identifier
    backend: Identifier
    quantization: Identifier
    latency_ms: Annotated[float, Field(ge=0.0)]

    @cached_property
    def label(self) -> str:
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def confidence(self) -> float:
        return self.probabilities[self.label]


class PredictionMade(Event):
    """One event per case, whichever arms scored it. Without a champion there is no score."""

    type: ClassVar[str] = "predictions.made.v1"

    case: Case
    scores: tuple[Score, ...] = ()
    answering_version: str | None = None
    arm: Arm | None = None
    arm_probability: InclusionProbability = 1.0
    draw_key: str | None = None  # the version of the key that drew the arm
    rollout_id: str | None = None
    rollout_revision: int = 0
    # Versions that should have scored the case and did not. Where there is a champion without a
    # candidate, the last good version is asked what the champion cannot score.
    failed_versions: tuple[str, ...] = ()
    reasoning: str | None = None  # a draft, only when asked for

    @property
    def natural_key(self) -> str:
        return self.case.case_id

    @property
    def key(self) -> str:
        return self.case.case_id

    @cached_property
    def answer(self) -> Score | None:
        """The score of the version that answers the case."""
        return next((s for s in self.scores if s.version == self.answering_version), None)


class DecisionMade(Event):
    """The original decision of a case: exactly one. A model's is never adverse.

    `simulated`: the reviewer is a script, in a demonstration or a test of load.
    """

    type: ClassVar[str] = "decisions.made.v1"

    case_id: Identifier
    task: Identifier
    claim_id: ClaimId | None
    group_id: Identifier
    label: str
    approved_amount: Annotated[float, Field(ge=0.0)] | None = None
    document: str | None = None
    reasoning: str | None = None
    decided_by: Source
    model_version: str | None = None  # who decided, if a model; who was shown, if a human
    reviewer: str | None = None
    simulated: bool = False
    confidence: Probability | None = None
    route_reason: RouteReason
    inclusion_probability: InclusionProbability
    content_sha256: Sha256
    judged_sha256: Sha256 | None = None  # of what was judged, whatever its ids are

    @computed_field  # type: ignore[prop-decorator]
    @property
    def adverse(self) -> bool:
        """Against the member, in whole or, where only a part is approved, in part."""
        return get_task(self.task).is_adverse(self.label) or self.approved_amount is not None

    @model_validator(mode="after")
    def _no_model_decides_against_the_member(self) -> Self:
        try:
            adverse = self.adverse
        except Rejected as error:
            raise ValueError(str(error)) from None
        if self.decided_by == "model" and adverse:
            part = "" if self.approved_amount is None else " in part"
            raise ValueError(f"a model cannot decide this label{part}: it is adverse to the member")
        if self.decided_by == "human" and self.reviewer is None:
            raise ValueError("a human decision names its reviewer")
        return self

    @property
    def natural_key(self) -> str:
        return self.case_id

    @property
    def key(self) -> str:
        return self.case_id


class DecisionCorrected(Event):
    """A later change of a decision. It supersedes the revision before it, which stays readable.

    It carries all that the answer rests on, as an opinion does.
    """

    type: ClassVar[str] = "decisions.corrected.v1"

    case_id: Identifier
    task: Identifier
    label: str
    revision: Annotated[int, Field(ge=1)]
    supersedes_revision: Annotated[int, Field(ge=0)]
    approved_amount: Annotated[float, Field(ge=0.0)] | None = None
    document: str | None = None
    reasoning: str
    reason_code: str | None = None
    criterion: Criterion | None = None
    clinical_basis: str | None = None
    corrected_by: str
    why: str

    @model_validator(mode="after")
    def _supersedes_the_revision_before(self) -> Self:
        if self.revision != self.supersedes_revision + 1:
            raise ValueError("a correction supersedes the revision right before its own")
        return self

    @property
    def natural_key(self) -> str:
        return self.case_id

    @property
    def event_revision(self) -> int:
        return self.revision

    @property
    def key(self) -> str:
        return self.case_id
