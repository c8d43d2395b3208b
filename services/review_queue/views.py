"""How a case is shown for review: its facts, why it is here, the model's draft, and the options.

The order of the options is the task's, whatever the model said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from services.review_queue.facts import Facts, facts_of
from services.review_queue.opinions import amount_at_stake
from services.review_queue.reviews import Assignment
from shared.events import ModelAnswer, RouteReason
from shared.tasks import get_task
from shared.tasks.task import Label, ReasonCode, Task

Tone = Literal["positive", "negative", "caution"]

# What brought a case here: a short title and a sentence.
REASONS: dict[RouteReason, tuple[str, str]] = {
    "low_confidence": ("Low confidence", "The model was not sure enough."),
    "adverse": ("Adverse answer", "The model would decide against the member; only people may."),
    "audit": ("Audit", "Drawn by chance from the cases that would have been accepted."),
    "label_mass": ("Unusual answer", "The model's answer lay mostly outside the labels."),
    "policy": ("Unknown version", "The model that answered is no longer in service."),
    "stopped": ("Automation stopped", "All cases of this task go to people at present."),
    "no_champion": ("No model yet", "No model is in service for this task."),
    "confident": ("Confident", "The model was sure."),
}
WITHHELD = ("Independent review", "Why it is here stays hidden, so that you judge for yourself.")


@dataclass(frozen=True)
class OptionView:
    """One label that can be chosen, with its key and needs, and the reasons that go with it."""

    label: Label
    tone: Tone
    reasons: tuple[ReasonCode, ...]


@dataclass(frozen=True)
class Bar:
    """A label's probability. `percent` is rounded for reading, `width` is exact."""

    label: str
    percent: str
    width: float
    top: bool


@dataclass(frozen=True)
class CaseView:
    task: str
    title: str
    attempt: int
    reason: tuple[str, str]
    facts: Facts
    options: tuple[OptionView, ...]
    amount_at_stake: Decimal | None
    answer: ModelAnswer | None
    bars: tuple[Bar, ...]


def case_view(assignment: Assignment) -> CaseView:
    """Everything that the review page shows of a leased case."""
    case, answer = assignment.request.case, assignment.answer
    task = get_task(case.task)
    return CaseView(
        task=task.title,
        title=case.claim_id or case.case_id,
        attempt=case.attempt,
        reason=REASONS[assignment.reason] if assignment.reason else WITHHELD,
        facts=facts_of(task, case.input),
        options=options(task),
        amount_at_stake=amount_at_stake(task, case),
        answer=answer,
        bars=bars(task, answer) if answer else (),
    )


def options(task: Task) -> tuple[OptionView, ...]:
    """The labels in the task's own order, whatever the model said."""
    adverse = [label.name for label in task.labels if label.adverse]
    return tuple(
        OptionView(
            label,
            _tone(label, adverse),
            tuple(reason for reason in task.reason_codes if reason.label == label.name),
        )
        for label in task.labels
    )


def _tone(label: Label, adverse: Sequence[str]) -> Tone:
    """The first adverse label is the refusal; the others ask for something."""
    if not label.adverse:
        return "positive"
    return "negative" if label.name == adverse[0] else "caution"


def bars(task: Task, answer: ModelAnswer) -> tuple[Bar, ...]:
    return tuple(
        Bar(name, f"{probability:.0%}", round(100 * probability, 2), name == answer.label)
        for name in task.label_names
        for probability in [answer.probabilities.get(name, 0.0)]
    )


def waited(time: timedelta) -> str:
    """A span as people say it: 40 s, 12 min, 3 h 5 min, 2 d 4 h."""
    seconds = max(int(time.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def words(text: str) -> str:
    """A value of a closed list as people read it: `fee_schedule` is fee schedule."""
    return text.replace("_", " ") if text.replace("_", "").islower() else text
