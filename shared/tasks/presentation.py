"""What a page shows of a task's cases: sections, titles of codes, rules to quote, panels.

Nothing here reaches a prompt, a training text or an event.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shared.tasks.fields import CheckOutcome


@dataclass(frozen=True)
class Section:
    """A block of the review page: a title and the input fields it shows, in order.

    `wide`: its content is long or a table, and wants the whole width.
    """

    title: str
    fields: tuple[str, ...]
    wide: bool = False


@dataclass(frozen=True)
class CodeTitle:
    """What a code means, and the larger group that it belongs to."""

    title: str
    group: str | None = None


@dataclass(frozen=True)
class Rule:
    """A criterion that bears on a case, to be quoted word for word.

    `outcome`: what a check of the case against it said, where one was made.
    """

    rule_id: str
    source: str
    version: str
    effective_date: date
    text: str
    outcome: CheckOutcome | None = None


@dataclass(frozen=True)
class Panel:
    """A table worked out from a case. Each row has a cell a column.

    `totals` stand below the rows: what, and how much.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, str], ...] = ()
    note: str = ""


def _no_title(_field: str, _code: str) -> CodeTitle | None:
    return None


def _no_rules(_case: Any) -> tuple[Rule, ...]:
    return ()


def _no_panels(_case: Any) -> tuple[Panel, ...]:
    return ()


def _nothing_unchecked(_case: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Presentation:
    """How a task's cases are shown.

    `title_of_code` takes the name of an input field and a code that is in it. `summary` names
    the input fields by which a case is recognized among a member's earlier ones. `usual` is what
    a column of a table says as a rule: one that says nothing else is not shown. `unchecked_of`
    says which of the case's checks could not be made, and why.
    """

    sections: tuple[Section, ...]
    summary: tuple[str, ...] = ()
    usual: Mapping[str, str] = field(default_factory=dict)
    title_of_code: Callable[[str, str], CodeTitle | None] = _no_title
    rules_of: Callable[[Any], tuple[Rule, ...]] = _no_rules
    panels_of: Callable[[Any], tuple[Panel, ...]] = _no_panels
    unchecked_of: Callable[[Any], tuple[str, ...]] = _nothing_unchecked
