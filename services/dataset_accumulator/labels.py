"""What a label is: a settled expert decision as training material. A model's decision is none."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid5

from shared.events import ReviewCompleted
from shared.tasks import get_task
from shared.tasks.fields import one_spelling
from shared.tasks.history import HistoricCase
from shared.tasks.task import Task, as_given, content_hash

_HISTORY = UUID("0c1c9a57-8f0e-5d0a-9c55-0e6a5b1d7f42")


@dataclass(frozen=True)
class CaseLabel:
    """An expert's decision of one case.

    `evidence` is what the experts found and said on the way. It is kept with the label and
    never reaches a prompt, because it does not exist when a model is asked. `content_sha256` is
    equal for the same label handed in again and different for another content.
    """

    review_id: str
    case_id: str
    task: str
    group_id: str
    label: str
    reasoning: str
    reason: str  # why the case was reviewed; "import" for history
    source: Literal["review", "import"]
    inclusion_probability: float
    input: Mapping[str, Any]
    evidence: Mapping[str, Any]
    content_sha256: str
    judged_sha256: str  # equal where the same service of the same person is judged, whatever its id
    text_sha256: str  # equal for the same case in the eyes of a model, whoever it is about
    prompt_version: str  # whose text that is the hash of
    in_part: bool = False  # a part only was approved


def label_of_review(review: ReviewCompleted) -> CaseLabel:
    """The label of a settled review; `Rejected` if its task knows neither case nor label."""
    case = review.case
    task = get_task(case.task)
    content = task.validate(case.input).model_dump(mode="json")
    decision: dict[str, Any] = {
        "label": task.label(review.label).name,
        "reasoning": review.reasoning,
        "evidence": review.model_dump(
            mode="json",
            include={"opinions", "approved_amount", "answer", "model_visible", "routing_version"},
        ),
    }
    return CaseLabel(
        review_id=review.review_id,
        case_id=case.case_id,
        task=case.task,
        group_id=case.group_id,
        reason=review.reason,
        source="review",
        inclusion_probability=review.inclusion_probability,
        input=content,
        judged_sha256=case.judged_sha256,
        text_sha256=text_hash(task, content),
        prompt_version=task.prompt_version,
        content_sha256=content_hash(task.name, {**decision, "case": case.content_sha256}),
        in_part=review.approved_amount is not None,
        **decision,
    )


def text_hash(task: Task, content: Mapping[str, Any]) -> str:
    """sha256 of the words that a model reads of a case; its ids are not among them."""
    return hashlib.sha256(f"{task.name} {task.prompt(content).content}".encode()).hexdigest()


def history_case_id(task: str, claim_id: str) -> str:
    """The case that a claim of the past is, whichever file it comes in."""
    return f"history:{_history_review_id(task, claim_id)}"


def _history_review_id(task: str, claim_id: str) -> str:
    return str(uuid5(_HISTORY, f"{task}|{one_spelling(claim_id)}"))


def label_of_history(task: Task, claim_id: str, case: HistoricCase) -> CaseLabel:
    """The label of an adjudicated case of the past: one a claim, however often it is imported."""
    decision: dict[str, Any] = {
        "label": case.label,
        "reasoning": case.reasoning,
        "evidence": dict(case.evidence),
    }
    content = task.complete(case.input).model_dump(mode="json")
    return CaseLabel(
        review_id=_history_review_id(task.name, claim_id),
        case_id=history_case_id(task.name, claim_id),
        task=task.name,
        group_id=task.group_of(case.input),
        reason="import",
        source="import",
        inclusion_probability=1.0,
        input=content,
        judged_sha256=content_hash(task.name, task.judged_of(case.input)),
        text_sha256=text_hash(task, content),
        prompt_version=task.prompt_version,
        content_sha256=content_hash(task.name, {**decision, "input": as_given(case.input)}),
        **decision,
    )
