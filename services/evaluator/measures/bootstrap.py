"""A paired bootstrap over groups: how far the measures would scatter on other held-out cases.

Whole groups are drawn with replacement (nobody's cases are split), the same draw for both
versions, so that what is hard for both does not blur their difference (Efron & Tibshirani 1993).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.evaluator.measures.held_out import Answers, Floats, HeldOut

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
class Samples:
    """Weighted sums of all cases (row 0) and of each resample: confusions, accepted, wrong."""

    candidate_confusions: Floats  # [1 + resamples, k, k], the candidate
    champion_confusions: Floats | None  # the champion
    accepted: Floats  # [1 + resamples, 2]: weight accepted, weight accepted wrongly

    @property
    def labels_present(self) -> int:
        return int((self.candidate_confusions[0].sum(axis=1) > 0).sum())

    def candidate(self, statistic: Statistic) -> Interval:
        return _interval(statistic(self.candidate_confusions))

    def difference(self, statistic: Statistic) -> Interval:
        if self.champion_confusions is None:
            raise ValueError("there is no champion to differ from")
        return _interval(statistic(self.candidate_confusions) - statistic(self.champion_confusions))

    def accepted_error(self) -> Interval | None:
        total, wrong = self.accepted[:, 0], self.accepted[:, 1]
        if total[0] == 0.0:
            return None
        some = total > 0
        return _interval(wrong[some] / total[some])


def resample(
    held_out: HeldOut,
    candidate: EvaluatedVersion,
    champion: EvaluatedVersion | None,
    *,
    rng: np.random.Generator,
    resamples: int,
) -> Samples:
    """Draw whole groups with replacement; every resample uses the same draw for both versions."""
    k = len(held_out.labels)
    accepted = candidate.answers.accepted(held_out, candidate.threshold)
    wrong = accepted & candidate.answers.wrong(held_out)
    columns = [_group_confusions(held_out, candidate.answers)]
    if champion is not None:
        columns.append(_group_confusions(held_out, champion.answers))
    columns.append(_sum_by_group(held_out, np.stack([accepted, wrong], axis=1).astype(np.float64)))
    table = np.concatenate(columns, axis=1)
    sums = np.concatenate([table.sum(axis=0, keepdims=True), *_draw_groups(table, rng, resamples)])
    confusions = sums[:, :-2].reshape(len(sums), -1, k, k)
    of_champion = confusions[:, 1] if champion is not None else None
    return Samples(confusions[:, 0], of_champion, sums[:, -2:])


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


def _group_confusions(held_out: HeldOut, answers: Answers) -> Floats:
    """Each group's confusion, as a row of k * k cells."""
    k = len(held_out.labels)
    cells = np.eye(k * k)[held_out.truth * k + answers.predicted]
    return _sum_by_group(held_out, cells * (answers.answered & ~held_out.in_part)[:, None])


def _sum_by_group(held_out: HeldOut, values: Floats) -> Floats:
    sums = np.zeros((held_out.group_count, values.shape[1]))
    np.add.at(sums, held_out.groups, values * held_out.weights[:, None])
    return sums


def _interval(values: Floats) -> Interval:
    """The first value is the estimate, the rest are the resamples."""
    low, high = np.quantile(values[1:], [0.05, 0.95])
    return Interval(float(values[0]), float(low), float(high))
