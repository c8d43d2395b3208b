"""What a reviewer answers, what makes it valid, and the events that follow once it is settled.

An answer is always one of the task's labels, with a reason, and with all that its label needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from services.review_queue.reviewing.states import Kind
from shared.errors import Rejected
from shared.events import (
    Case,
    Criterion,
    DecisionCorrected,
    DecisionMade,
    Opinion,
    ReviewCompleted,
    ReviewRequested,
)
from shared.tasks import get_task
from shared.tasks.task import Requirement, Task

_NEEDS = {
    "reason_code": "a reason code",
    "criterion": "the criterion that it rests on, quoted",
    "clinical_basis": "its clinical basis",
}


@dataclass(frozen=True)
class Answer:
    """A label and why. `approved_amount`: dollars, where only a part is approved."""

    label: str
    reasoning: str
    approved_amount: Decimal | None = None
    reason_code: str | None = None
    criterion: Criterion | None = None
    clinical_basis: str | None = None

    @property
    def outcome(self) -> tuple[str, Decimal | None]:
        """What two reviewers agree on, or do not."""
        return self.label, self.approved_amount


@dataclass(frozen=True)
class GivenOpinion:
    """An answer as it was given on a seat."""

    kind: Kind
    answer: Answer
    opinion: Opinion


@dataclass(frozen=True)
class Correction:
    """A changed answer. `supersedes_revision` is the one that its author was looking at."""

    answer: Answer
    why: str
    supersedes_revision: int


def check_answer(answer: Answer, case: Case) -> Answer:
    """The answer as it counts; `Rejected` names the field if it does not answer the case.

    All of the amount is the same as none: only a part has to be said.
    """
    task = get_task(case.task)
    label = task.label(answer.label)
    if answer.approved_amount is not None:
        at_stake = _check_amount(answer.approved_amount, answer.label, task, case)
        if answer.approved_amount == at_stake:
            answer = replace(answer, approved_amount=None)
    if not answer.reasoning.strip():
        raise Rejected("a decision needs its reason", field="reasoning")
    for name in requirements_of(answer, case):
        if not getattr(answer, name):
            what = label.name if answer.approved_amount is None else f"{label.name} in part"
            raise Rejected(f"{what} needs {_NEEDS[name]}", field=name)
    if answer.reason_code is not None:
        _check_reason_code(answer.reason_code, answer.label, task)
    return answer


def requirements_of(answer: Answer, case: Case) -> tuple[Requirement, ...]:
    """What has to come with the answer. Refusing a part needs what refusing everything does."""
    task = get_task(case.task)
    label = task.label(answer.label)
    in_part = answer.approved_amount not in (None, case.amount_at_stake)
    return label.needs_in_part if in_part else label.needs


def _check_reason_code(code: str, label: str, task: Task) -> None:
    codes = [reason.code for reason in task.reason_codes if reason.label == label]
    if code not in codes:
        raise Rejected(f"codes for {label} are {', '.join(codes)}", field="reason_code")


def _check_amount(amount: Decimal, label: str, task: Task, case: Case) -> Decimal:
    """The amount at stake, if this can be approved of it."""
    at_stake = case.amount_at_stake
    if at_stake is None:
        raise Rejected("this case has no amount to approve", field="approved_amount")
    if task.is_adverse(label):
        raise Rejected(f"{label} approves no amount", field="approved_amount")
    if amount <= 0:
        raise Rejected("approving nothing is a refusal", field="approved_amount")
    if amount > at_stake:
        raise Rejected(f"only {at_stake} is at stake", field="approved_amount")
    return at_stake


def review_completed(
    request: ReviewRequested,
    deciding: GivenOpinion,
    opinions: Sequence[GivenOpinion],
    *,
    blind: bool,
    at: datetime,
) -> ReviewCompleted:
    return ReviewCompleted(
        occurred_at=at,
        review_id=request.review_id,
        case=request.case,
        label=deciding.answer.label,
        reasoning=deciding.answer.reasoning,
        approved_amount=dollars_of(deciding.answer.approved_amount),
        opinions=tuple(each.opinion for each in opinions),
        reason=request.reason,
        inclusion_probability=request.inclusion_probability,
        routing_version=request.routing_version,
        answer=request.answer,
        model_visible=request.model_visible and not blind,
    )


def decision_made(
    request: ReviewRequested, deciding: GivenOpinion, *, blind: bool, at: datetime
) -> DecisionMade:
    """The case's one original decision. `model_version` is the model that the human was shown."""
    hidden = blind and deciding.opinion.label_before is None
    shown = request.answer if request.model_visible and not hidden else None
    return DecisionMade(
        occurred_at=at,
        case_id=request.case.case_id,
        task=request.case.task,
        claim_id=request.case.claim_id,
        group_id=request.case.group_id,
        label=deciding.answer.label,
        approved_amount=dollars_of(deciding.answer.approved_amount),
        reasoning=deciding.answer.reasoning,
        decided_by="human",
        model_version=shown.version if shown else None,
        reviewer=deciding.opinion.reviewer,
        simulated=deciding.opinion.simulated,
        route_reason=request.reason,
        inclusion_probability=request.inclusion_probability,
        content_sha256=request.case.content_sha256,
        judged_sha256=request.case.judged_sha256,
    )


def decision_corrected(
    case: Case, correction: Correction, *, by: str, at: datetime
) -> DecisionCorrected:
    return DecisionCorrected(
        occurred_at=at,
        case_id=case.case_id,
        task=case.task,
        label=correction.answer.label,
        revision=correction.supersedes_revision + 1,
        supersedes_revision=correction.supersedes_revision,
        approved_amount=dollars_of(correction.answer.approved_amount),
        reasoning=correction.answer.reasoning,
        reason_code=correction.answer.reason_code,
        criterion=correction.answer.criterion,
        clinical_basis=correction.answer.clinical_basis,
        corrected_by=by,
        why=correction.why,
    )


def dollars_of(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
