"""A paired bootstrap over groups: how far the measures would scatter on other held-out cases.

Whole groups are drawn with replacement (nobody's cases are split), the same draw for both
versions, so that what is hard for both does not blur their difference (Efron & Tibshirani 1993).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.evaluator.measures.held_out import Answers, Floats, HeldOut, Integers

Statistic = Callable[[Floats], Floats]  # of confusions, see `choice.py`
_CHUNK = 100  # resamples computed at once


@dataclass(frozen=True)
class Interval:
    """An estimate with its 5 % and 95 % quantiles: each a one-sided bound of 95 %."""

    estimate: float
    low: float
    high: float


class EvaluatedVersion(NamedTuple):
    """A version's answers with the threshold that it would serve with."""

    answers: Answers
    threshold: float


@dataclass(frozen=True)
class VersionSums:
    """One version's weighted sums over all cases (row 0) and over each resample."""

    confusions: Floats  # [1 + resamples, k, k + 1]
    accepted: Floats  # [1 + resamples]: weight accepted
    accepted_wrongly: Floats


@dataclass(frozen=True)
class Samples:
    """Both versions' sums, over the same draws."""

    of_candidate: VersionSums
    of_champion: VersionSums | None

    def candidate(self, statistic: Statistic) -> Interval:
        return _interval(statistic(self.of_candidate.confusions))

    def difference(self, statistic: Statistic) -> Interval:
        """The candidate's minus the champion's."""
        champion = self._champion
        return _interval(statistic(self.of_candidate.confusions) - statistic(champion.confusions))

    def accepted_error_difference(self) -> Interval | None:
        """The candidate's error among what it accepts, minus the champion's among what that one
        accepts; None if either accepts nothing."""
        candidate, champion = self.of_candidate, self._champion
        some = (candidate.accepted > 0) & (champion.accepted > 0)
        if not some[0]:
            return None
        errors = [
            sums.accepted_wrongly[some] / sums.accepted[some] for sums in (candidate, champion)
        ]
        return _interval(errors[0] - errors[1])

    @property
    def _champion(self) -> VersionSums:
        if self.of_champion is None:
            raise ValueError("there is no champion to differ from")
        return self.of_champion


def resample(
    held_out: HeldOut,
    candidate: EvaluatedVersion,
    champion: EvaluatedVersion | None,
    *,
    rng: np.random.Generator,
    resamples: int,
) -> Samples:
    """Draw whole groups with replacement; every resample uses the same draw for both versions."""
    versions = [candidate] if champion is None else [candidate, champion]
    table = np.concatenate([_group_sums(held_out, version) for version in versions], axis=1)
    sums = np.concatenate([table.sum(axis=0, keepdims=True), *_draw_groups(table, rng, resamples)])
    found = [_version_sums(held_out, part) for part in np.split(sums, len(versions), axis=1)]
    return Samples(found[0], None if champion is None else found[1])


def confusion_cells(held_out: HeldOut, answers: Answers) -> Integers:
    """Each case's cell of the confusion: k labels that are right by k + 1 that can be said."""
    k = len(held_out.labels)
    return held_out.truth * (k + 1) + np.where(answers.answered, answers.predicted, k)


def _draw_groups(table: Floats, rng: np.random.Generator, resamples: int) -> list[Floats]:
    """Each resample's sums: every group as often as it was drawn."""
    groups = len(table)
    sums = []
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        drawn = rng.integers(0, groups, size=(rows, groups)) + groups * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups)
        sums.append(counts.astype(np.float64) @ table)
    return sums


def _group_sums(held_out: HeldOut, version: EvaluatedVersion) -> Floats:
    """Each group's row: its confusion, then the weights of what is accepted, and wrongly."""
    k = len(held_out.labels)
    cells = np.eye(k * (k + 1))[confusion_cells(held_out, version.answers)]
    accepted = version.answers.accepted(held_out, version.threshold)
    wrong = accepted & version.answers.wrong(held_out)
    whole = np.broadcast_to(~held_out.in_part, accepted.shape)
    columns = [cells * whole[:, None], accepted[:, None], wrong[:, None]]
    return _sum_by_group(held_out, np.concatenate(columns, axis=1).astype(np.float64))


def _version_sums(held_out: HeldOut, sums: Floats) -> VersionSums:
    k = len(held_out.labels)
    return VersionSums(sums[:, :-2].reshape(len(sums), k, k + 1), sums[:, -2], sums[:, -1])


def _sum_by_group(held_out: HeldOut, values: Floats) -> Floats:
    sums = np.zeros((held_out.group_count, values.shape[1]))
    np.add.at(sums, held_out.groups, values * held_out.weights[:, None])
    return sums


def _interval(values: Floats) -> Interval:
    """The first value is the estimate, the rest are the resamples."""
    low, high = np.quantile(values[1:], [0.05, 0.95])
    return Interval(float(values[0]), float(low), float(high))
