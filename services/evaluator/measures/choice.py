"""How a version does on held-out cases, weighted. Pure functions of arrays.

Everything is a share of all held-out cases, so that versions are compared on the same ones. What a
version does not answer goes to a human: it is neither right nor accepted.

Functions of a confusion take it with any leading dimensions, so that a bootstrap can compute
thousands at once: [..., truth, said], in weights; what is said is one of k labels, or last nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.evaluator.measures.bootstrap import EvaluatedVersion, confusion_cells
from services.evaluator.measures.error_bound import bound_accepted_error
from services.evaluator.measures.held_out import Answers, Booleans, Floats, HeldOut
from services.evaluator.measures.strata import effective_cases, stratify
from shared.events import Measures

CALIBRATION_BINS = 10
LEAST_ACCEPTED = 10  # cases; the error among fewer is noise


@dataclass(frozen=True)
class ClassMeasures:
    """One label: how often it was right, and how much of it was found."""

    label: str
    cases: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class CalibrationBin:
    """Cases of similar confidence. `share` is their part of all weight."""

    confidence: float
    accuracy: float
    share: float


@dataclass(frozen=True)
class Tradeoff:
    """What a threshold would accept, and how much of that would be wrong."""

    threshold: float
    accepted: float
    error: float


@dataclass(frozen=True)
class Assessment:
    """Everything measured of one version on the test split."""

    measures: Measures
    threshold: float
    balanced_accuracy: float
    kappa: float  # agreement with the experts beyond chance
    false_approvals: float  # share of all cases: approved against an adverse expert decision
    false_denials: float  # share of all cases: adverse although the expert approved
    review_share: float
    unanswered: int  # cases, mostly those that are too long for the version
    accepted_accuracy: float | None
    classes: tuple[ClassMeasures, ...]
    confusion: tuple[tuple[float, ...], ...]  # share of all weight, [truth][said]
    calibration: tuple[CalibrationBin, ...]
    tradeoff: tuple[Tradeoff, ...]


def assess(held_out: HeldOut, answers: Answers, *, threshold: float) -> Assessment:
    """All measures of one version at its threshold."""
    matrix = confusion_matrix(held_out, answers)
    shares = matrix / matrix.sum()
    said = shares[:, :-1]
    bins = calibration_bins(held_out, answers)
    measures = _measures(held_out, EvaluatedVersion(answers, threshold), matrix, bins)
    error = measures.auto_accept_error
    return Assessment(
        measures=measures,
        threshold=threshold,
        balanced_accuracy=float(balanced_accuracy(matrix)),
        kappa=kappa(matrix),
        false_approvals=float(said[np.ix_(held_out.adverse, ~held_out.adverse)].sum()),
        false_denials=float(said[np.ix_(~held_out.adverse, held_out.adverse)].sum()),
        review_share=1.0 - measures.auto_accept_rate,
        unanswered=int((~answers.answered).sum()),
        accepted_accuracy=None if error is None else 1.0 - error,
        classes=_classes(held_out, matrix),
        confusion=tuple(tuple(row) for row in shares.tolist()),
        calibration=bins,
        tradeoff=tradeoff_curve(held_out, answers),
    )


def _measures(
    held_out: HeldOut, version: EvaluatedVersion, matrix: Floats, bins: Sequence[CalibrationBin]
) -> Measures:
    answers = version.answers
    rate, error = measure_acceptance(held_out, answers, version.threshold)
    bound = bound_accepted_error(held_out, version)
    return Measures(
        version=answers.version,
        accuracy=_share(accuracy(matrix)),
        macro_f1=_share(macro_f1(matrix)),
        auto_accept_rate=rate,
        auto_accept_error=error,
        auto_accept_error_upper=None if bound is None else bound.upper,
        unanswered_share=unanswered_share(held_out, answers),
        expected_calibration_error=_share(
            sum(b.share * abs(b.accuracy - b.confidence) for b in bins)
        ),
        cases=len(held_out),
        effective_cases=effective_cases(stratify(held_out, answers)),
        milliseconds_per_case=answers.milliseconds_per_case,
    )


def confusion_matrix(held_out: HeldOut, answers: Answers) -> Floats:
    """[truth, said], in weights, of the cases that have one label altogether."""
    k = len(held_out.labels)
    weights = held_out.weights * ~held_out.in_part
    sums = np.bincount(confusion_cells(held_out, answers), weights=weights, minlength=k * (k + 1))
    return sums.astype(np.float64).reshape(k, k + 1)


def unanswered_share(held_out: HeldOut, answers: Answers) -> float:
    """The share of all cases, in weights, that the version leaves to a human unread."""
    return _share(held_out.weights[~answers.answered].sum() / held_out.weights.sum())


def accuracy(matrix: Floats) -> Floats:
    return _ratio(matrix.trace(axis1=-2, axis2=-1), matrix.sum(axis=(-2, -1)))


def balanced_accuracy(matrix: Floats) -> Floats:
    """Mean recall of the labels that occur: always the same answer gets 1 over their number."""
    recall = _ratio(_diagonal(matrix), matrix.sum(axis=-1))
    return _mean_over(recall, matrix.sum(axis=-1) > 0)


def macro_f1(matrix: Floats) -> Floats:
    """Mean F1 of the labels that occur, each counting the same."""
    both = matrix.sum(axis=-1) + _said(matrix)
    return _mean_over(_ratio(2 * _diagonal(matrix), both), matrix.sum(axis=-1) > 0)


def kappa(matrix: Floats) -> float:
    """Agreement beyond chance (Cohen, 1960)."""
    shares = matrix / matrix.sum()
    chance = float(_said(shares) @ shares.sum(axis=1))
    return (float(shares.trace()) - chance) / (1.0 - chance) if chance < 1.0 else 1.0


def measure_acceptance(
    held_out: HeldOut, answers: Answers, threshold: float
) -> tuple[float, float | None]:
    """Share of all cases accepted at `threshold`, and the share of those that was wrong."""
    accepted = answers.accepted(held_out, threshold)
    weight = float(held_out.weights[accepted].sum())
    if weight == 0.0:
        return 0.0, None
    wrong = float(held_out.weights[accepted & answers.wrong(held_out)].sum())
    return _share(weight / held_out.weights.sum()), _share(wrong / weight)


def calibration_bins(held_out: HeldOut, answers: Answers) -> tuple[CalibrationBin, ...]:
    """Confidence and accuracy in bins of equal width, empty ones left out."""
    right = ~answers.wrong(held_out)
    index = np.minimum((answers.confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins = []
    for number in np.unique(index[answers.answered]):
        inside = (index == number) & answers.answered
        weights = held_out.weights[inside]
        bins.append(
            CalibrationBin(
                confidence=float(np.average(answers.confidence[inside], weights=weights)),
                accuracy=float(np.average(right[inside], weights=weights)),
                share=float(weights.sum() / held_out.weights[answers.answered].sum()),
            )
        )
    return tuple(bins)


def tradeoff_curve(
    held_out: HeldOut, answers: Answers, *, points: int = 60
) -> tuple[Tradeoff, ...]:
    """Accepted share and error over the thresholds that accept enough cases to speak of."""
    ranked = answers.ranked(held_out)
    confidence, weights = ranked.confidence, ranked.weights
    rate = weights.cumsum() / held_out.weights.sum()
    error = _ratio((weights * ranked.wrong).cumsum(), weights.cumsum())
    ends = np.flatnonzero(ranked.last_of_equals)
    ends = ends[ends + 1 >= LEAST_ACCEPTED]
    shown = ends[np.linspace(0, len(ends) - 1, min(points, len(ends))).round().astype(int)]
    return tuple(Tradeoff(float(confidence[i]), float(rate[i]), float(error[i])) for i in shown)


def _classes(held_out: HeldOut, matrix: Floats) -> tuple[ClassMeasures, ...]:
    precision = _ratio(_diagonal(matrix), _said(matrix))
    recall = _ratio(_diagonal(matrix), matrix.sum(axis=1))
    f1 = _ratio(2 * _diagonal(matrix), _said(matrix) + matrix.sum(axis=1))
    return tuple(
        ClassMeasures(
            name,
            int((held_out.truth == i).sum()),
            float(precision[i]),
            float(recall[i]),
            float(f1[i]),
        )
        for i, name in enumerate(held_out.labels)
    )


def _said(matrix: Floats) -> Floats:
    """How often each label was said."""
    return np.asarray(matrix.sum(axis=-2)[..., :-1], dtype=np.float64)


def _diagonal(matrix: Floats) -> Floats:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Zero where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)


def _mean_over(values: Floats, mask: Booleans) -> Floats:
    return _ratio((values * mask).sum(axis=-1), mask.sum(axis=-1).astype(np.float64))


def _share(value: Floats | float) -> float:
    """Rounding must not carry a share beyond 0 or 1."""
    return float(min(max(float(value), 0.0), 1.0))
