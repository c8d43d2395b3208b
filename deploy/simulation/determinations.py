"""Determinations of California's Independent Medical Review, read from the state's own file.

Rows come in the order of the years, a smaller sample keeps each year's share, and every case
can be written in the columns of the task `independent_review`, whatever the file's header is.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from shared.errors import Rejected
from shared.tasks.history import column_key
from shared.tasks.independent_review import INDEPENDENT_REVIEW
from shared.tasks.independent_review.history import read_history
from shared.tasks.independent_review.input import IndependentReviewInput

LIMIT = 1500

_YEAR = "Report Year"
_REASON_CODES = {"APPROVED": "NECESSARY", "DENIED": "NOT_NECESSARY"}
_COLUMNS = INDEPENDENT_REVIEW.history.columns


@dataclass(frozen=True)
class Determination:
    input: IndependentReviewInput
    label: str
    reasoning: str
    reason_code: str
    evidence: Mapping[str, str]
    row: Mapping[str, str]

    def history_row(self) -> dict[str, str]:
        return dict(self.row)


def determinations(path: Path, *, limit: int = LIMIT, seed: int = 0) -> Iterator[Determination]:
    """About `limit` determinations, each year by its share; 0 gives all of them.

    Raises `Rejected` if this is not a CSV file, and with the column's name if the file lacks one or
    a row cannot be read.
    """
    years = _by_year(path)
    total = sum(map(len, years.values()))
    share = min(1.0, limit / total) if limit and total else 1.0
    for year in sorted(years):
        rows = years[year]
        Random(f"determinations {seed} {year}").shuffle(rows)
        for row in rows[: round(len(rows) * share)]:
            yield _determination(row)


def _by_year(path: Path) -> dict[int, list[dict[str, str]]]:
    years: dict[int, list[dict[str, str]]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            for row in _rows(file):
                years[_year(row[_YEAR])].append(row)
        except (UnicodeDecodeError, csv.Error):
            raise Rejected(f"{path} is not a CSV file in UTF-8") from None
    return years


def _rows(file: Iterable[str]) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(file)
    names = _names(reader.fieldnames or ())
    for row in reader:
        yield {column: (row[name] or "").strip() for column, name in names.items()}


def _names(header: Iterable[str]) -> dict[str, str]:
    """Our column -> the file's name of it. Newer files write ReferenceID for Reference ID."""
    written = {column_key(name): name for name in header}
    for column in INDEPENDENT_REVIEW.history.required_columns:
        if column_key(column) not in written:
            raise Rejected("the file has no such column", field=column)
    return {
        column: written[column_key(column)] for column in _COLUMNS if column_key(column) in written
    }


def _year(text: str) -> int:
    if not text.isdecimal():
        raise Rejected("must be a year", field=_YEAR)
    return int(text)


def _determination(row: Mapping[str, str]) -> Determination:
    case = read_history(row)
    assert isinstance(case.input, IndependentReviewInput)
    return Determination(
        input=case.input,
        label=case.label,
        reasoning=case.reasoning,
        reason_code=_REASON_CODES[case.label],
        evidence=case.evidence,
        row=row,
    )
