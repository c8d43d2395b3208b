"""Who says what where another says otherwise: the labels of two sides, counted pair by pair."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Confusion:
    """`counts[row][column]`: the pairs in which one gave the row's label, one the column's.

    `rows` and `columns` name the two sides, as in "Experts" and "The model".
    """

    rows: str
    columns: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def total(self) -> int:
        return sum(map(sum, self.counts))

    @property
    def agreeing(self) -> int:
        return sum(row[number] for number, row in enumerate(self.counts))

    @property
    def title(self) -> str:
        return f"{self.rows} by row, {self.columns} by column"

    @property
    def summary(self) -> str:
        """What there is to see, in one sentence."""
        if not self.total:
            return "Nothing to compare yet."
        agree = f"{self.agreeing:,} of {self.total:,} agree ({share(self.agreeing, self.total)})"
        apart = [
            (count, row, column)
            for row, counts in zip(self.labels, self.counts, strict=True)
            for column, count in zip(self.labels, counts, strict=True)
            if count and row != column
        ]
        if not apart:
            return f"{agree}."
        most, row, column = max(apart, key=lambda cell: cell[0])
        where = f"{self.rows} {row}, {self.columns} {column}"
        return f"{agree}; most often apart: {where} ({most:,})."


def confusion(
    pairs: Iterable[tuple[str, str]], *, labels: Sequence[str], rows: str, columns: str
) -> Confusion:
    """In the order of `labels`; others that were given follow, so that no pair is lost."""
    counted = Counter(pairs)
    labels_given = {label for pair in counted for label in pair}
    names = (*labels, *sorted(labels_given.difference(labels)))
    counts = tuple(tuple(counted[row, column] for column in names) for row in names)
    return Confusion(rows, columns, names, counts)


def share(part: int, whole: int) -> str:
    """In per cent; 0 and 100 only where it is none and all."""
    if 0 < part < whole:
        return f"{min(max(round(100 * part / whole), 1), 99)}%"
    return "100%" if part else "0%"
