"""The confidence from which a version's approvals may stand, from the calibration split.

The rule: of everything at or above the threshold, the expected error is at most the tolerated
one. With n effective cases of which a share e was wrong, it is the mean of a Beta posterior,

    (n e + s p) / (n + s),   s = 30 cases,   p = mean of (1 - confidence) + half the tolerated,

so what the model itself expects counts as much as 30 cases do, with an allowance for what no
model can know. n is Kish's size: a few audited cases that stand for many leave the most to the
model's expectation. At least 20 cases must be accepted; a minimum of n would accept nothing as
soon as audits come in. The lowest threshold that holds is taken. An upper confidence bound of
95 % instead would need 59 accepted cases without one error: splits of 80 to 150 cases would
nearly always accept nothing. The confidences must be calibrated, which the version's temperature
sees to. What the rule achieves is tested by simulation.
"""

from dataclasses import dataclass

import numpy as np

from services.evaluator.measures.held_out import Answers, Floats, HeldOut, RankedAnswers

ACCEPTS_NOTHING = 1.01  # above every confidence
PRIOR_CASES = 30.0
MINIMUM_ACCEPTED = 20


@dataclass(frozen=True)
class Proposal:
    """A threshold, and on how many calibration cases it rests."""

    threshold: float
    effective_cases: float  # accepted ones
    expected_error: float | None  # of the accepted ones, by the rule; none if nothing is accepted


def propose_threshold(held_out: HeldOut, answers: Answers, *, tolerated_error: float) -> Proposal:
    """The lowest threshold whose expected error is tolerated."""
    ranked = answers.ranked(held_out)
    expected, size = _running(ranked, tolerated_error)
    enough = np.arange(1, len(expected) + 1) >= MINIMUM_ACCEPTED
    fine = (expected <= tolerated_error) & enough & ranked.last_of_equals
    if not fine.any():
        return Proposal(ACCEPTS_NOTHING, 0.0, None)
    lowest = int(np.flatnonzero(fine)[-1])
    return Proposal(float(ranked.confidence[lowest]), float(size[lowest]), float(expected[lowest]))


def _running(ranked: RankedAnswers, tolerated_error: float) -> tuple[Floats, Floats]:
    """Expected error and effective size of the first 1, 2, … cases, most confident first.

    Size: Kish, Survey Sampling, 1965.
    """
    weights = ranked.weights
    total = weights.cumsum()
    size = total**2 / (weights**2).cumsum()
    wrong = (ranked.wrong * weights).cumsum()
    own = ((1.0 - ranked.confidence) * weights).cumsum() / total
    prior = own + tolerated_error / 2
    expected = (size * wrong / total + PRIOR_CASES * prior) / (size + PRIOR_CASES)
    return expected, size
