"""What every reader of history files makes of them: rows that come in, and rows that do not."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from shared.errors import Rejected
from shared.tasks.amounts import DecimalMark
from shared.tasks.history import DECIDED_BY, HistoricCase, optional_cell
from shared.tasks.task import Task

_MACHINES = ("model", "auto")
_WHO = (
    f"must say who decided: add a column {DECIDED_BY} with human, model or auto, or state with "
    "--decided-by human that people decided whatever does not say otherwise"
)


@dataclass(frozen=True)
class Row:
    """A decided case. `line` is where its row begins, counted from 1."""

    line: int
    claim_id: str
    case: HistoricCase


@dataclass(frozen=True)
class Refusal:
    """A row that does not come in, and why. `field` is the column at fault, where there is one."""

    line: int
    field: str | None
    why: str


@dataclass(frozen=True)
class Reading:
    """How the rows of one file are read: for which task, on which day by UTC, and what its importer
    states of it.

    Who decided is never assumed: a row says it, or `decided_by` does for rows that do not.
    """

    task: Task
    today: date
    decided_by: Literal["human"] | None = None
    decimal: DecimalMark | None = None

    def check_columns(self, columns: Collection[str | None]) -> None:
        """`Rejected` if no row can say who decided, and nobody states it."""
        if DECIDED_BY not in columns and self.decided_by is None:
            raise Rejected(_WHO, field=DECIDED_BY)

    def row(self, line: int, cells: Mapping[str, str]) -> Row | Refusal:
        """What a row of the file is, its cells named by the columns of the task."""
        try:
            case = self.task.history.case_of(cells, today=self.today, decimal=self.decimal)
            self._check_decider(cells)
            return Row(line, cells[self.task.history.claim_column].strip(), case)
        except Rejected as error:
            return Refusal(line, error.field, error.reason)

    def _check_decider(self, cells: Mapping[str, str]) -> None:
        decider = (optional_cell(cells, DECIDED_BY) or self.decided_by or "").lower()
        if not decider:
            raise Rejected(_WHO, field=DECIDED_BY)
        if decider in _MACHINES:
            raise Rejected("no person decided it, and only that is a label", field=DECIDED_BY)
        if decider != "human":
            raise Rejected("must be human, model or auto", field=DECIDED_BY)


# Reads a file that arrives in blocks, without ever holding all of it. A bad row is a `Refusal`
# that never repeats member data; `Rejected` says that the file cannot be read at all.
HistoryReader = Callable[[Iterable[bytes], Reading], Iterator[Row | Refusal]]
