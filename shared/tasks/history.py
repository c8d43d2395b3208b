"""A task's history files: which columns they have, and how a row of them is read.

Every failure is `Rejected` with the column's name, never with its content.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import Rejected, first_failure
from shared.tasks.amounts import DecimalMark, read_amount
from shared.tasks.fields import CONTROL_CHARACTER, means_nothing

DECIDED_BY = "decided_by"  # human or model: only a person's decision is a label

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class HistoricCase:
    """One decided case of the past: what was known then, and what was decided."""

    input: BaseModel
    label: str
    reasoning: str
    evidence: Mapping[str, str]  # what the expert found; kept with the label, never in a prompt
    day: date | None = None  # when what was decided took place, at the earliest; if the file says


@dataclass(frozen=True)
class History:
    """The columns of a task's history files. `read` turns a row into a case, or is `Rejected`.

    `claim_column` says which claim a row is about: one label a claim, however often it comes.
    `day_column` says when what was decided took place; nothing is decided before.
    `amount_columns` hold US dollars; `read` gets them with a period and without anything else.
    """

    read: Callable[[Mapping[str, str]], HistoricCase]
    required_columns: tuple[str, ...]
    optional_columns: tuple[str, ...] = ()
    claim_column: str = "claim_id"
    amount_columns: tuple[str, ...] = ()
    day_column: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The task's own, and the one that every task has."""
        return (*self.required_columns, *self.optional_columns, DECIDED_BY)

    def case_of(
        self, row: Mapping[str, str], *, today: date, decimal: DecimalMark | None
    ) -> HistoricCase:
        """The case of a row whose amounts are written with this decimal mark, if it is known;
        `Rejected` if it has not taken place today."""
        amounts = {
            column: amount_cell(row, column, decimal=decimal)
            for column in self.amount_columns
            if (row.get(column) or "").strip()
        }
        case = self.read({**row, **amounts})
        if case.day is not None and case.day > today:
            raise Rejected("lies in the future: nobody has decided it", field=self.day_column)
        return case


def column_key(column: str) -> str:
    """By what a column is known: Report Year is ReportYear and report_year."""
    return "".join(character for character in column.lower() if character.isalnum())


def cell(row: Mapping[str, str], column: str) -> str:
    """The stripped text of a required column; it may be empty, but it must be there."""
    if row.get(column) is None:
        raise Rejected("the column is missing in this row", field=column)
    return _text(row, column)


def optional_cell(row: Mapping[str, str], column: str) -> str | None:
    """The stripped text of an optional column; None where it is absent or says nothing."""
    text = _text(row, column)
    return None if means_nothing(text) else text


def _text(row: Mapping[str, str], column: str) -> str:
    text = (row.get(column) or "").strip()
    if CONTROL_CHARACTER.search(text):
        raise Rejected("contains a control character", field=column)
    return text


def amount_cell(row: Mapping[str, str], column: str, *, decimal: DecimalMark | None) -> str:
    """The amount in that column, with a period and without anything else."""
    try:
        return read_amount(cell(row, column), decimal=decimal)
    except Rejected as error:
        raise Rejected(error.reason, field=column) from None


def label_cell(row: Mapping[str, str], column: str, labels: Iterable[str]) -> str:
    """The label in that column, in any case."""
    label, known = cell(row, column).upper(), list(labels)
    if label not in known:
        raise Rejected(f"must be one of {', '.join(known)}", field=column)
    return label


def validate_input(
    model: type[Model], content: Mapping[str, Any], *, columns: Mapping[str, str]
) -> Model:
    """The content as a validated model; `columns` maps fields to the columns they came from."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        path, reason = first_failure(error, case=model)
        field, *place = path.split(".")
        where = f"entry {int(place[0]) + 1}: " if place and place[0].isdigit() else ""
        raise Rejected(where + reason, field=columns.get(field, field)) from None
