"""How a case is shown for review: its facts, why it is here, the model's draft, and the options.

The order of the options is the task's, whatever the model said. Who else gave an opinion is never
shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from services.review_queue.reviewing.review import Assignment, ListedReason
from services.review_queue.reviewing.states import Kind
from services.review_queue.web.views.case_facts import Facts, facts_of
from shared.events import Criterion, ModelAnswer, Opinion
from shared.tasks import TASKS, get_task
from shared.tasks.task import Label, ReasonCode, Requirement, Task

Tone = Literal["positive", "negative", "caution"]
# The model's answer: to be seen, after committing, never, or there is none.
Draft = Literal["shown", "blind", "hidden", "none"]

# What brought a case here: a short title and a sentence.
REASONS: dict[ListedReason, tuple[str, str]] = {
    "low_confidence": ("Low confidence", "The model was not sure enough."),
    "adverse": ("Adverse answer", "The model would decide against the member; only people may."),
    "audit": ("Audit", "Drawn by chance from the cases that would have been accepted."),
    "label_mass": ("Unusual answer", "The model's answer lay mostly outside the labels."),
    "unscored": ("Not scored", "The model could not score this case; it may be too long."),
    "stale_version": ("Model replaced", "The model that answered is not the one in service now."),
    "prompt_mismatch": (
        "Other wording",
        "The model has learned from another wording of such cases, so its answer does not count.",
    ),
    "unchecked": ("Not checked", "A check of this case could not be made, so only people decide."),
    "open_edit": ("Open edit", "An edit failed or waits for something, so only people decide."),
    "repeated": (
        "Judged before",
        "This claim or the same service came before, or this is a further attempt.",
    ),
    "amount": ("High amount", "More is at stake than a model may decide."),
    "stopped": ("Automation stopped", "All cases of this task go to people at present."),
    "no_champion": ("No model", "No model is in service for this task."),
    "confident": ("Confident", "The model was sure."),
    "blind": (
        "Blind review",
        "Why it is here stays hidden, so that whoever has it judges independently.",
    ),
}
# What is asked of whoever has the case, where it is more than a first opinion.
SEATS: dict[Kind, tuple[str, str]] = {
    "second": (
        "Second opinion",
        "Somebody else judges this case too, without seeing your answer.",
    ),
    "further": ("Further opinion", "Others judge it as well; their answers are hidden from you."),
    "final": ("Final word", "What you decide stands."),
}
_ORDINALS = ("First", "Second", "Third")


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
class OpinionView:
    """What another reviewer answered, without their name."""

    title: str
    label: str
    tone: Tone
    reason: str | None
    criterion: Criterion | None
    clinical_basis: str | None
    reasoning: str
    decided_at: datetime


@dataclass(frozen=True)
class CaseView:
    """`opinions` and `escalated_why` are there where the reviewer has the final word."""

    review_id: str
    task: str
    title: str
    attempt: int
    requested_at: datetime
    kind: Kind
    seat: tuple[str, str] | None
    reason: tuple[str, str]
    facts: Facts
    options: tuple[OptionView, ...]
    amount_at_stake: Decimal | None
    draft: Draft
    answer: ModelAnswer | None
    bars: tuple[Bar, ...]
    label_before: str | None
    opinions: tuple[OpinionView, ...]
    escalated_why: str | None

    def asks_for(self, requirement: Requirement) -> bool:
        """Whether any of its labels needs that, if only in part."""
        labels = [option.label for option in self.options]
        return any(requirement in (*label.needs, *label.needs_in_part) for label in labels)


def case_view(assignment: Assignment) -> CaseView:
    """Everything that the review page shows of a leased case."""
    case, answer = assignment.request.case, assignment.answer
    task = get_task(case.task)
    return CaseView(
        review_id=assignment.request.review_id,
        task=task.title,
        title=case.claim_id or case.case_id,
        attempt=case.attempt,
        requested_at=assignment.request.occurred_at,
        kind=assignment.kind,
        seat=SEATS.get(assignment.kind),
        reason=REASONS[assignment.reason or "blind"],
        facts=facts_of(task, case.input),
        options=options(task),
        amount_at_stake=case.amount_at_stake,
        draft=_draft(assignment),
        answer=answer,
        bars=bars(task, answer) if answer else (),
        label_before=assignment.label_before,
        opinions=opinion_views(task, assignment.opinions),
        escalated_why=assignment.escalated_why,
    )


def _draft(assignment: Assignment) -> Draft:
    """Before reviewers commit, they do not learn whether there is an answer at all."""
    if not assignment.request.model_visible:
        return "hidden"
    if not assignment.model_visible:
        return "blind"
    return "shown" if assignment.answer else "none"


def opinion_views(task: Task, opinions: Sequence[Opinion]) -> tuple[OpinionView, ...]:
    texts = {reason.code: reason.text for reason in task.reason_codes}
    tones = {option.label.name: option.tone for option in options(task)}
    return tuple(
        OpinionView(
            title=f"{ordinal} opinion",
            label=opinion.label,
            tone=tones[opinion.label],
            reason=texts.get(opinion.reason_code) if opinion.reason_code else None,
            criterion=opinion.criterion,
            clinical_basis=opinion.clinical_basis,
            reasoning=opinion.reasoning,
            decided_at=opinion.decided_at,
        )
        for ordinal, opinion in zip(_ORDINALS, opinions, strict=False)
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


def tone_of(task: str, label: str) -> Tone | None:
    """How a label is colored; nothing if the task has it no more."""
    known = options(TASKS[task]) if task in TASKS else ()
    return next((option.tone for option in known if option.label.name == label), None)


def bars(task: Task, answer: ModelAnswer) -> tuple[Bar, ...]:
    return tuple(
        Bar(name, f"{probability:.0%}", round(100 * probability, 2), name == answer.label)
        for name in task.label_names
        for probability in [answer.probabilities.get(name, 0.0)]
    )


def words(text: str) -> str:
    """A value of a closed list as people read it: `fee_schedule` is fee schedule."""
    return text.replace("_", " ") if text.replace("_", "").islower() else text


def titled(task: str) -> str:
    """A task's title; its name if there is no such task any more."""
    return TASKS[task].title if task in TASKS else task


def spoken(label: str) -> str:
    """A label as people say it: `ASK_WARD` is Ask ward."""
    return label.replace("_", " ").capitalize()
