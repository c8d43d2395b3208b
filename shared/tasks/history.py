"""A task's history files: which columns they have, and how a row of them is read.

Every failure is `Rejected` with the column's name, never with its content.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import Rejected, first_failure
from shared.tasks.fields import CONTROL_CHARACTER, means_nothing

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class HistoricCase:
    """One decided case of the past: what was known then, and what was decided."""

    input: BaseModel
    label: str
    reasoning: str
    evidence: Mapping[str, str]  # what the expert found; kept with the label, never in a prompt


@dataclass(frozen=True)
class History:
    """The columns of a task's history files. `read` turns a row into a case, or is `Rejected`.

    `claim_column` says which claim a row is about: one label a claim, however often it comes.
    """

    read: Callable[[Mapping[str, str]], HistoricCase]
    required_columns: tuple[str, ...]
    optional_columns: tuple[str, ...] = ()
    claim_column: str = "claim_id"

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.required_columns, *self.optional_columns)


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
