"""Decided cases as a history file that the import of any deployment reads."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from shared.tasks.history import DECIDED_BY
from shared.tasks.task import Task


class DecidedCase(Protocol):
    """A case with the expert's decision. `evidence` became known only by the decision."""

    @property
    def input(self) -> BaseModel: ...
    @property
    def label(self) -> str: ...
    @property
    def reasoning(self) -> str: ...
    @property
    def reason_code(self) -> str: ...
    @property
    def evidence(self) -> Mapping[str, str]: ...

    def history_row(self) -> dict[str, str]:
        """The case in the columns of its task's history files."""
        ...


def write_history(path: Path, task: Task, cases: Iterable[DecidedCase]) -> int:
    """Writes the cases as CSV, one by one, as decided by the experts that are simulated or on
    record; the number written."""
    written = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, task.history.columns)
        writer.writeheader()
        for case in cases:
            writer.writerow({DECIDED_BY: "human", **case.history_row()})
            written += 1
    return written
