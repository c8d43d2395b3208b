"""What every reader of history files makes of them: rows that come in, and rows that do not."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from shared.tasks.history import HistoricCase
from shared.tasks.task import Task


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


# Reads a file that arrives in blocks, without ever holding all of it. A bad row is a `Refusal`
# that never repeats the row's content; `Rejected` says that the file cannot be read at all.
HistoryReader = Callable[[Iterable[bytes], Task], Iterator[Row | Refusal]]
