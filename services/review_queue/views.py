"""How a case is shown: from the layout and the input of its task, whatever the task is.

What a field looks like follows from its value: a word, prose, a list of codes, a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from services.review_queue.opinions import amount_at_stake
from services.review_queue.reviews import Assignment
from shared.events import ModelAnswer, RouteReason
from shared.tasks import get_task
from shared.tasks.task import Label, ReasonCode, Task

Kind = Literal["empty", "word", "amount", "prose", "codes", "table"]
Tone = Literal["positive", "negative", "caution"]

_PROSE_CHARACTERS = 60
_ACRONYMS = {"id": "ID", "npi": "NPI"}

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
class FieldView:
    title: str
    kind: Kind
    text: str = ""
    codes: tuple[tuple[str, int], ...] = ()  # each code once, with how often it stands there
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class SectionView:
    title: str
    fields: tuple[FieldView, ...]


@dataclass(frozen=True)
class OptionView:
    """One label that can be chosen, with the reasons that go with it."""

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
    sections: tuple[SectionView, ...]
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
        sections=sections(task, case.input),
        options=options(task),
        amount_at_stake=amount_at_stake(task, case),
        answer=answer,
        bars=bars(task, answer) if answer else (),
    )


def sections(task: Task, content: Mapping[str, Any]) -> tuple[SectionView, ...]:
    return tuple(
        SectionView(
            section.title,
            tuple(_field(name, content.get(name), task) for name in section.fields),
        )
        for section in task.layout
    )


def _field(name: str, value: Any, task: Task) -> FieldView:
    title = heading(name)
    if value is None or value in ("", [], ()):
        return FieldView(title, "empty")
    if isinstance(value, (list, tuple)) and all(isinstance(each, Mapping) for each in value):
        columns = tuple(dict.fromkeys(column for row in value for column in row))
        rows = tuple(tuple(_text(row.get(column)) for column in columns) for row in value)
        return FieldView(title, "table", columns=columns, rows=rows)
    if isinstance(value, (list, tuple)):
        texts = [_text(each) for each in value]
        return FieldView(
            title, "codes", codes=tuple((t, texts.count(t)) for t in dict.fromkeys(texts))
        )
    if name == task.amount_field:
        return FieldView(title, "amount", f"${Decimal(str(value)):,.2f}")
    text = _text(value)
    long = len(text) > _PROSE_CHARACTERS or "\n" in text
    return FieldView(title, "prose" if long else "word", text)


def heading(name: str) -> str:
    """A field's name as people write it: `provider_npi` is Provider NPI."""
    first, *rest = (_ACRONYMS.get(word, word) for word in name.split("_"))
    return " ".join([first[:1].upper() + first[1:], *rest])


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


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
