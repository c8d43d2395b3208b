"""What is shown of a case itself: all of it from its task's definition, whatever the task is.

What a field looks like follows from its value: a word, prose, a list of codes, a table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from shared.errors import Rejected
from shared.tasks.masking import MASK
from shared.tasks.presentation import Panel, Rule
from shared.tasks.task import Task

FieldKind = Literal["empty", "masked", "word", "amount", "prose", "codes", "table"]

_PROSE_CHARACTERS = 60
_ACRONYMS = {"id": "ID", "npi": "NPI"}


@dataclass(frozen=True)
class CodeView:
    """A code of a list, once, with how often it stands there and what it means, if known."""

    code: str
    times: int
    title: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class FieldView:
    title: str
    kind: FieldKind
    text: str = ""
    codes: tuple[CodeView, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class SectionView:
    title: str
    wide: bool
    fields: tuple[FieldView, ...]


@dataclass(frozen=True)
class RuleView:
    """A criterion that can be quoted, and the id of its place on the page."""

    anchor: str
    rule: Rule

    @property
    def speaks_against(self) -> bool:
        """A check of the case against it did not pass."""
        return self.rule.outcome in ("fail", "pend")


@dataclass(frozen=True)
class Facts:
    """`problem`: why there are neither rules nor panels, if the input is not a valid one.
    `unchecked`: what the case's checks could not say."""

    sections: tuple[SectionView, ...]
    rules: tuple[RuleView, ...] = ()
    panels: tuple[Panel, ...] = ()
    problem: str | None = None
    unchecked: tuple[str, ...] = ()

    @property
    def anchors(self) -> Mapping[str, str]:
        """Where each rule stands, by its id, for whatever on the page names it."""
        return {view.rule.rule_id: view.anchor for view in self.rules}

    @property
    def in_tables(self) -> Mapping[str, RuleView]:
        """The rules that a table of the case names, by their id: they can be quoted there."""
        tables = (field.rows for section in self.sections for field in section.fields)
        cells = {cell for rows in tables for row in rows for cell in row}
        return {view.rule.rule_id: view for view in self.rules if view.rule.rule_id in cells}

    @property
    def apart(self) -> tuple[RuleView, ...]:
        """The other rules."""
        return tuple(view for view in self.rules if view.rule.rule_id not in self.in_tables)


def facts_of(task: Task, content: Mapping[str, Any]) -> Facts:
    """Everything about a case. A case that its task no longer takes is shown as far as it goes,
    so that it can still be decided or passed on."""
    layout = sections(task, content)
    try:
        case = task.validate(content)
    except Rejected as error:
        return Facts(layout, problem=str(error))
    shown = task.presentation
    rules = (RuleView(f"rule-{n}", rule) for n, rule in enumerate(shown.rules_of(case), start=1))
    return Facts(layout, tuple(rules), shown.panels_of(case), unchecked=shown.unchecked_of(case))


def sections(task: Task, content: Mapping[str, Any]) -> tuple[SectionView, ...]:
    return tuple(
        SectionView(section.title, section.wide, fields(task, section.fields, content))
        for section in task.presentation.sections
    )


def fields(task: Task, names: Iterable[str], content: Mapping[str, Any]) -> tuple[FieldView, ...]:
    """Some fields of a case, such as the task's `summary` of it."""
    return tuple(_field(name, content.get(name), task) for name in names)


def _field(name: str, value: Any, task: Task) -> FieldView:
    title = heading(name)
    if value == MASK:
        return FieldView(title, "masked", MASK)
    if value is None or value in ("", [], (), {}):
        return FieldView(title, "empty")
    if isinstance(value, Mapping):
        return _table(title, [value], task)
    if isinstance(value, (list, tuple)):
        if all(isinstance(each, Mapping) for each in value):
            return _table(title, value, task)
        return FieldView(title, "codes", codes=_codes(name, value, task))
    if name == task.amount_field:
        return FieldView(title, "amount", f"${Decimal(str(value)):,.2f}")
    text = _text(value)
    long = len(text) > _PROSE_CHARACTERS or "\n" in text
    return FieldView(title, "prose" if long else "word", text)


def _table(title: str, entries: Sequence[Mapping[str, Any]], task: Task) -> FieldView:
    every = dict.fromkeys(column for entry in entries for column in entry)
    columns = tuple(name for name in every if not _is_usual(name, entries, task))
    rows = tuple(tuple(_text(entry.get(column)) for column in columns) for entry in entries)
    return FieldView(title, "table", columns=columns, rows=rows)


def _is_usual(column: str, entries: Sequence[Mapping[str, Any]], task: Task) -> bool:
    usual = task.presentation.usual.get(column)
    return usual is not None and all(entry.get(column) == usual for entry in entries)


def _codes(name: str, values: Sequence[Any], task: Task) -> tuple[CodeView, ...]:
    texts = [_text(value) for value in values]
    return tuple(_code(name, text, texts.count(text), task) for text in dict.fromkeys(texts))


def _code(name: str, code: str, times: int, task: Task) -> CodeView:
    known = task.presentation.title_of_code(name, code)
    return CodeView(code, times, known.title, known.group) if known else CodeView(code, times)


def heading(name: str) -> str:
    """A field's name as people write it: `provider_npi` is Provider NPI."""
    first, *rest = (_ACRONYMS.get(word, word) for word in name.split("_"))
    return " ".join([first[:1].upper() + first[1:], *rest])


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{heading(name)}: {_text(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return str(value)
