"""The confidence from which a version's approvals may stand, proposed on the calibration split.

Only the test split can say that a threshold is safe: the upper bound of the accepted error must be
tolerated there (`error_bound.py`), and a version whose proposal is not confirmed accepts nothing.
One threshold is proposed, before the test split is looked at, so that the bound keeps its 95 %: no
case of the test split sets a threshold. The proposal is the one that promises the most:

    share of the cases accepted * how likely the test split, of its size, confirms it,

among those whose expected error is tolerated. With n effective cases of which a share e was wrong,
the expected error is the mean of a Beta posterior,

    (n e + s p) / (n + s),   s = 30 cases,   p = mean of (1 - confidence) + half the tolerated,

so what the model itself expects counts as much as 30 cases do, with an allowance for what no
model can know. n is Kish's size. At least 20 cases must be accepted. The confidences must be
calibrated, which the version's temperature sees to. What the rule achieves is tested by simulation.
"""

from dataclasses import dataclass

import numpy as np

from services.evaluator.measures.error_bound import chance_of_confirmation
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
    confirmation: float = 0.0  # how likely the test split confirms it


NOTHING = Proposal(ACCEPTS_NOTHING, 0.0, None)


def propose_threshold(
    held_out: HeldOut, answers: Answers, *, tolerated_error: float, test_cases: int
) -> Proposal:
    """The threshold that promises the most; none if none can be confirmed on `test_cases`."""
    ranked = answers.ranked(held_out)
    expected, size = _running(ranked, tolerated_error)
    enough = np.arange(1, len(expected) + 1) >= MINIMUM_ACCEPTED
    fine = (expected <= tolerated_error) & enough & ranked.last_of_equals
    confirmed = chance_of_confirmation(
        size * test_cases / max(len(held_out), 1), expected, tolerated=tolerated_error
    )
    promise = np.where(fine, ranked.weights.cumsum() * confirmed, 0.0)
    if not promise.any():
        return NOTHING
    best = int(promise.argmax())
    return Proposal(
        float(ranked.confidence[best]),
        float(size[best]),
        float(expected[best]),
        float(confirmed[best]),
    )


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
