"""From a model's scores to confidences that mean what they say.

Pure Python: services without a model use it too.
"""

import math
from collections.abc import Callable, Mapping, Sequence

LOWEST_TEMPERATURE = 0.25
HIGHEST_TEMPERATURE = 8.0
_GOLDEN = (math.sqrt(5) - 1) / 2


def probabilities(log_probabilities: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Softmax of `log_probabilities / temperature` over the labels: they sum to 1.

    Temperature scaling: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, §4.2.
    """
    if temperature <= 0:
        raise ValueError(f"a temperature is positive, not {temperature}")
    scaled = {label: value / temperature for label, value in log_probabilities.items()}
    highest = max(scaled.values())
    weights = {label: math.exp(value - highest) for label, value in scaled.items()}
    total = sum(weights.values())
    return {label: weight / total for label, weight in weights.items()}


def fit_temperature(scores: Sequence[Mapping[str, float]], labels: Sequence[str]) -> float:
    """The temperature under which the experts' labels are most likely.

    Minimizes the negative log-likelihood (Guo et al. 2017) by golden section over the logarithm
    of the temperature, in which it has one minimum. Bounded, because a handful of cases that are
    all right would ask for certainty. 1.0 if there are no cases.
    """
    if not scores:
        return 1.0

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(scores, labels, temperature=math.exp(log_temperature))

    low, high = math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE)
    return math.exp(_minimum(loss, low, high))


def negative_log_likelihood(
    scores: Sequence[Mapping[str, float]], labels: Sequence[str], *, temperature: float
) -> float:
    """Mean negative log-probability, in nats, of the experts' labels."""
    total = 0.0
    for score, label in zip(scores, labels, strict=True):
        highest = max(score.values()) / temperature
        others = sum(math.exp(value / temperature - highest) for value in score.values())
        total -= score[label] / temperature - highest - math.log(others)
    return total / len(scores)


def expected_calibration_error(
    confidences: Sequence[float], correct: Sequence[bool], *, bins: int = 10
) -> float:
    """Mean distance of confidence and accuracy over bins of equal width, weighted by cases.

    Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015.
    """
    if not confidences:
        raise ValueError("the calibration error of no cases is not defined")
    gaps = [0.0] * bins  # sum of (correct - confidence) of each bin
    for confidence, right in zip(confidences, correct, strict=True):
        gaps[min(int(confidence * bins), bins - 1)] += right - confidence
    return sum(abs(gap) for gap in gaps) / len(confidences)


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one minimum has it (golden-section search, Kiefer 1953)."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-4:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2
