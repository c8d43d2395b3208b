"""How often what a version accepts is wrong, at most: a one-sided upper bound of 95 %.

Accepted cases fall into H strata by their inclusion probability. In stratum h with n_h accepted
cases, which stand for the share W_h of all that is accepted, k_h are wrong. The bound is

    sum of W_h U_h,   U_h = Beta quantile at 1 - 0.05 / H of (k_h / d_h + 1, (n_h - k_h) / d_h),

the exact bound of each stratum (Clopper and Pearson, 1934), all of which hold together with 95 %
(Bonferroni). The design effect d_h allows for groups: a member's cases may be wrong together, and
then tell as much as n_h / d_h independent ones (Korn and Graubard, 1998). It is the mean size of a
cluster of errors, where a group of typical size that is wrong altogether is added to those
observed: without any errors the groups are what counts.

To say "at most 5 %" takes 59 accepted cases of as many groups, all right: 0.05 ^ (1 / 59) = 0.95.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, bdtrik, betaincinv

from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.held_out import Booleans, Floats, HeldOut, Integers

CONFIDENCE = 0.95


@dataclass(frozen=True)
class AcceptedStratum:
    """Accepted cases with the same inclusion probability."""

    inclusion_probability: float
    cases: int
    wrong: int
    share: float  # of all that is accepted: what these stand for
    upper: float  # of their error


@dataclass(frozen=True)
class AcceptedError:
    """The share of what is accepted that is wrong, and what it is at most with 95 % confidence."""

    strata: tuple[AcceptedStratum, ...]  # those that stand for the most first

    @property
    def cases(self) -> int:
        return sum(stratum.cases for stratum in self.strata)

    @property
    def error(self) -> float:
        return sum(stratum.share * stratum.wrong / stratum.cases for stratum in self.strata)

    @property
    def upper(self) -> float:
        return min(1.0, sum(stratum.share * stratum.upper for stratum in self.strata))


def bound_accepted_error(held_out: HeldOut, version: EvaluatedVersion) -> AcceptedError | None:
    """Of a version at its threshold; None if it accepts none of the cases."""
    accepted = version.answers.accepted(held_out, version.threshold)
    if not accepted.any():
        return None
    wrong = version.answers.wrong(held_out)
    weights = np.unique(held_out.weights[accepted])
    confidence = 1.0 - (1.0 - CONFIDENCE) / len(weights)
    parts = [accepted & (held_out.weights == weight) for weight in weights]
    shares = np.array([held_out.weights[part].sum() for part in parts])
    shares /= shares.sum()
    strata = [
        AcceptedStratum(
            inclusion_probability=float(1.0 / weight),
            cases=int(part.sum()),
            wrong=int(wrong[part].sum()),
            share=float(share),
            upper=_upper(held_out, part, wrong, confidence=confidence),
        )
        for weight, part, share in zip(weights, parts, shares, strict=True)
    ]
    return AcceptedError(tuple(sorted(strata, key=lambda stratum: -stratum.share)))


def chance_of_confirmation(cases: Floats, error: Floats, *, tolerated: float) -> Floats:
    """How likely the bound of so many equally weighted cases is tolerated, if so many are wrong.

    The same bound from the other side: it is tolerated if so few errors would be seen in at most
    5 % of all samples that err at the tolerated rate.
    """
    number = cases.astype(np.int64)
    most = np.floor(bdtrik(1.0 - CONFIDENCE, number, tolerated))
    enough = bdtr(most, number, tolerated) <= 1.0 - CONFIDENCE
    return np.where(enough, bdtr(most, number, error), 0.0)


def _upper(held_out: HeldOut, part: Booleans, wrong: Booleans, *, confidence: float) -> float:
    cases, errors = int(part.sum()), int((part & wrong).sum())
    effect = _design_effect(held_out.groups[part], wrong[part])
    if errors == cases:
        return 1.0
    return float(betaincinv(errors / effect + 1.0, (cases - errors) / effect, confidence))


def _design_effect(groups: Integers, wrong: Booleans) -> float:
    """The mean size of a cluster of errors, counting one group of typical size as all wrong.

    Both sizes are means over cases rather than groups, as in Kish's (Survey Sampling, 1965).
    """
    _, index = np.unique(groups, return_inverse=True)
    sizes, errors = np.bincount(index), np.bincount(index, weights=wrong)
    typical = (sizes**2).sum() / sizes.sum()
    return float(((errors**2).sum() + typical**2) / (errors.sum() + typical))
