"""The coefficients of agreement on nominal labels, with the standard library alone.

A unit is one case with the labels that its raters gave; one with fewer than two says nothing and is
left out. Where a coefficient is undefined (no pair of ratings, or a single label, on which chance
alone would agree) it is None, never a number that could be taken for a result.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

Labels = Collection[str]  # of one unit, one from each rater, in any order
Interval = tuple[float, float]

_DEVIATIONS = NormalDist().inv_cdf(0.975)  # to both sides: 95 %
_ROUNDING = 1e-9


@dataclass(frozen=True)
class SpecificAgreement:
    """How far raters agree on one label. `pairs`: those in which at least one gave it."""

    agreement: float
    pairs: int


def raw_agreement(units: Iterable[Labels]) -> float | None:
    """The share of all pairs of ratings of the same unit that agree."""
    matrix = _coincidences(units, _pairs)
    return matrix.observed if matrix.paired else None


def specific_agreement(units: Iterable[Labels]) -> dict[str, SpecificAgreement]:
    """For each label: if one rater gave it, the probability that another did.

    The positive agreement of Cicchetti & Feinstein 1990, taken over all pairs of ratings.
    """
    matrix = _coincidences(units, _pairs)
    return {
        label: SpecificAgreement(
            matrix.agreeing[label] / paired, round(paired - matrix.agreeing[label] / 2)
        )
        for label, paired in matrix.paired.items()
    }


def cohen_kappa(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Cohen's kappa (1960) between two sides; a pair is what the left and the right one said."""
    table = Counter(pairs)
    left, right = Counter[str](), Counter[str]()
    for (one, other), times in table.items():
        left[one] += times
        right[other] += times
    everything = table.total() ** 2
    chance = sum(times * right[label] for label, times in left.items())
    if chance == everything:  # so also where there is no pair
        return None
    agreeing = sum(times for (one, other), times in table.items() if one == other)
    return (agreeing * table.total() - chance) / (everything - chance)


def fleiss_kappa(units: Iterable[Labels]) -> float | None:
    """Fleiss' kappa (1971), generalized to units of unequal size: every unit counts once.

    No size is left out: where a further reviewer is asked upon disagreement, the units of the usual
    size would be those that agree. With equal sizes it is Fleiss' own.
    """
    matrix = _coincidences(units, lambda size: size * (size - 1))
    if len(matrix.paired) < 2:
        return None
    expected = sum((paired / matrix.total) ** 2 for paired in matrix.paired.values())
    return (matrix.observed - expected) / (1 - expected)


def krippendorff_alpha(units: Iterable[Labels]) -> float | None:
    """Krippendorff's alpha for nominal data: any number of raters, ratings may be missing.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".
    """
    return _alpha(_coincidences(units, _ratings))


def alpha_interval(reviews: Iterable[Iterable[Labels]]) -> Interval | None:
    """The 95 % interval of `krippendorff_alpha` over the units of all reviews, by the jackknife.

    A review is left out with all its units, which depend on each other. On the scale of Fisher's z,
    so that it stays between -1 and 1 and covers what it promises where agreement is high. None
    where the reviews show no spread: agreement is perfect, or hangs on a single one of them.
    """
    times = Counter(tuple(sorted(tuple(sorted(unit)) for unit in review)) for review in reviews)
    parts = {review: _coincidences(review, _ratings) for review in times}
    parts = {review: part for review, part in parts.items() if part.paired}
    whole = _sum((part, times[review]) for review, part in parts.items())
    alpha = _alpha(whole)
    if alpha is None or alpha == 1:
        return None
    left_out = [_alpha(_sum([(whole, 1), (part, -1)])) for part in parts.values()]
    return _jackknife(alpha, left_out, [times[review] for review in parts])


def _jackknife(
    estimate: float, left_out: Collection[float | None], times: Collection[int]
) -> Interval | None:
    """`left_out`: the estimate without one review; `times`: how many reviews are like that one."""
    known = [value for value in left_out if value is not None]
    if len(known) < len(left_out):
        return None
    reviews = sum(times)
    mean = sum(value * n for value, n in zip(known, times, strict=True)) / reviews
    squares = sum(n * (value - mean) ** 2 for value, n in zip(known, times, strict=True))
    error = math.sqrt(squares * (reviews - 1) / reviews) / (1 - estimate**2)
    if error < _ROUNDING:
        return None
    middle, reach = math.atanh(estimate), _DEVIATIONS * error
    return math.tanh(middle - reach), math.tanh(middle + reach)


@dataclass(frozen=True)
class _Coincidences:
    """By label the diagonal and the row sums of the matrix that counts ordered pairs of ratings.

    That is all of the matrix that nominal labels need.
    """

    agreeing: Mapping[str, float]
    paired: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.paired.values())

    @property
    def observed(self) -> float:
        return sum(self.agreeing.values()) / self.total


def _alpha(matrix: _Coincidences) -> float | None:
    if len(matrix.paired) < 2:
        return None
    apart = matrix.total - sum(matrix.agreeing.values())
    by_chance = matrix.total**2 - sum(paired**2 for paired in matrix.paired.values())
    return 1 - (matrix.total - 1) * apart / by_chance


def _pairs(_: int) -> int:
    """Every pair of ratings counts once."""
    return 1


def _ratings(size: int) -> int:
    """Every rating counts once, with however many others it is paired."""
    return size - 1


def _coincidences(units: Iterable[Labels], share: Callable[[int], int]) -> _Coincidences:
    """A pair of ratings counts 1 / `share` of the number of ratings of its unit."""
    agreeing, paired = defaultdict[str, float](float), defaultdict[str, float](float)
    for labels, times in Counter(tuple(sorted(unit)) for unit in units).items():
        others = len(labels) - 1
        if others < 1:
            continue
        for label, given in Counter(labels).items():
            agreeing[label] += times * given * (given - 1) / share(len(labels))
            paired[label] += times * given * others / share(len(labels))
    return _Coincidences(agreeing, paired)


def _sum(parts: Iterable[tuple[_Coincidences, int]]) -> _Coincidences:
    agreeing, paired = defaultdict[str, float](float), defaultdict[str, float](float)
    for part, times in parts:
        for label in part.paired:
            agreeing[label] += times * part.agreeing[label]
            paired[label] += times * part.paired[label]
    # Row sums are whole numbers here, so that nothing is left of a label exactly where it is 0.
    left = {label: value for label, value in paired.items() if value > 0}
    return _Coincidences({label: agreeing[label] for label in left}, left)
