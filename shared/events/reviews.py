"""What is asked of the experts, and what they answer."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Field

from shared.events.base import (
    Event,
    Frozen,
    Identifier,
    InclusionProbability,
    Probability,
)
from shared.events.cases import Case, Criterion, RouteReason

# What a seat of a review asks for: a further opinion after two that differ, at last a senior's.
SeatKind = Literal["first", "second", "further", "final"]

_REVIEWS = UUID("5f0f6c1e-52d3-5b4c-9a43-7b1f0b6c2a11")


def review_id_of(case_id: str) -> str:
    """One review per case: the id follows from the case."""
    return str(uuid5(_REVIEWS, case_id))


class ModelAnswer(Frozen):
    """What the answering model said, as a reviewer may see it."""

    version: str
    label: str
    confidence: Probability
    probabilities: dict[str, Probability]
    reasoning: str | None = None


class ReviewRequested(Event):
    """A case that a human must decide, and why."""

    type: ClassVar[str] = "reviews.requested.v1"

    review_id: Identifier
    case: Case
    reason: RouteReason
    inclusion_probability: InclusionProbability
    routing_version: str
    answer: ModelAnswer | None = None
    model_visible: bool = True

    @property
    def natural_key(self) -> str:
        return self.review_id

    @property
    def key(self) -> str:
        return self.case.case_id


class Opinion(Frozen):
    """What one reviewer said, on a seat of its `kind`. `label_before` is the answer before the
    model's was shown. `approved_amount`: dollars, where only a part is approved.

    `simulated`: a script said it, in a demonstration or a test of load. `panels` are the parts of
    the page that they opened, `clinical_basis` is what a denial rests on.
    """

    reviewer: str
    kind: SeatKind = "first"
    simulated: bool = False
    license: str | None = None
    label: str
    label_before: str | None = None
    approved_amount: Annotated[float, Field(ge=0.0)] | None = None
    reason_code: str | None = None
    criterion: Criterion | None = None
    clinical_basis: str | None = None
    reasoning: Annotated[str, Field(min_length=1)]
    decided_at: AwareDatetime
    dwell_seconds: Annotated[float, Field(ge=0.0)]
    panels: tuple[str, ...] = ()


class ReviewCompleted(Event):
    """The settled expert decision of a review, with all opinions. It becomes a label."""

    type: ClassVar[str] = "reviews.completed.v1"

    review_id: Identifier
    case: Case
    label: str
    reasoning: str
    approved_amount: Annotated[float, Field(ge=0.0)] | None = None
    opinions: tuple[Opinion, ...]
    reason: RouteReason
    inclusion_probability: InclusionProbability
    routing_version: str
    answer: ModelAnswer | None = None
    model_visible: bool

    @property
    def natural_key(self) -> str:
        return self.review_id

    @property
    def key(self) -> str:
        return self.case.case_id
