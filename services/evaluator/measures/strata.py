"""How much weighted cases tell: as much as how many equally weighted ones?

Audited cases are few and stand for many, but they are cases that a model was sure of, and mostly
right. So each stratum counts with the variance of its own errors (stratified sampling: Cochran,
Sampling Techniques, 1977, section 5.3). With n_h cases that stand for the share W_h, of which the
share p_h is answered wrongly,

    effective cases = p (1 - p) / sum of W_h^2 p_h (1 - p_h) / n_h,   p = sum of W_h p_h.

Where all strata err alike, that is Kish's (sum of weights)^2 / sum of weights^2. A few cases
without an error are no proof: p_h is drawn towards the rate of all by two cases.
"""

from dataclasses import dataclass

import numpy as np

from services.evaluator.measures.held_out import Answers, Booleans, Floats, HeldOut

PRIOR_CASES = 2.0


@dataclass(frozen=True)
class Stratum:
    """Cases that came to the experts with the same probability, and so have the same weight."""

    inclusion_probability: float
    cases: int
    share: float  # of all cases: what these stand for
    error: float  # how often the version is wrong about them, smoothed

    @property
    def effective_cases(self) -> float:
        """An equally weighted sample of this size would have as many cases of this stratum."""
        return self.cases / self.share


def stratify(held_out: HeldOut, answers: Answers) -> tuple[Stratum, ...]:
    """Those that stand for the most first. What is not answered is not right."""
    weights, wrong = held_out.weights, ~answers.right(held_out)
    if not len(weights):
        return ()
    overall = (len(weights) * np.average(wrong, weights=weights) + 1.0) / (len(weights) + 2.0)
    heaviest_first = np.unique(weights)[::-1]
    return tuple(_stratum(weights, wrong, weights == each, overall) for each in heaviest_first)


def _stratum(weights: Floats, wrong: Booleans, inside: Booleans, overall: float) -> Stratum:
    cases = int(inside.sum())
    return Stratum(
        inclusion_probability=float(1.0 / weights[inside][0]),
        cases=cases,
        share=float(weights[inside].sum() / weights.sum()),
        error=float((wrong[inside].sum() + PRIOR_CASES * overall) / (cases + PRIOR_CASES)),
    )


def effective_cases(strata: tuple[Stratum, ...]) -> float:
    """How many equally weighted cases would tell the version's accuracy as precisely."""
    if not strata:
        return 0.0
    error = sum(stratum.share * stratum.error for stratum in strata)
    variance = sum(
        stratum.share**2 * stratum.error * (1.0 - stratum.error) / stratum.cases
        for stratum in strata
    )
    return error * (1.0 - error) / variance


def describe_strata(strata: tuple[Stratum, ...]) -> str:
    """The strata, if there is more than one."""
    if len(strata) < 2:
        return ""
    descriptions = (
        f"{stratum.cases} drawn at {stratum.inclusion_probability:.0%} "
        f"stand for {stratum.share:.0%}"
        for stratum in strata
    )
    return f" ({', '.join(descriptions)})"
