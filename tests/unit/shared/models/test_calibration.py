"""Confidences that mean what they say: checked by simulation, with the tolerance stated."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    probabilities,
)

LABELS = ("APPROVED", "DENIED", "PENDING")
log_probability = st.floats(min_value=-200.0, max_value=0.0)


@given(
    st.tuples(log_probability, log_probability, log_probability),
    st.floats(min_value=LOWEST_TEMPERATURE, max_value=HIGHEST_TEMPERATURE),
)
def test_probabilities_sum_to_one_and_keep_the_order(
    values: tuple[float, float, float], temperature: float
) -> None:
    scores = dict(zip(LABELS, values, strict=True))
    found = probabilities(scores, temperature)
    assert sum(found.values()) == pytest.approx(1.0)
    assert found[max(scores, key=scores.__getitem__)] == max(found.values())


def test_at_temperature_one_the_mass_on_the_labels_is_shared_out() -> None:
    scores = {"APPROVED": math.log(0.3), "DENIED": math.log(0.1)}
    assert probabilities(scores, 1.0) == pytest.approx({"APPROVED": 0.75, "DENIED": 0.25})


def test_a_high_temperature_makes_the_model_less_sure() -> None:
    scores = {"APPROVED": math.log(0.9), "DENIED": math.log(0.1)}
    assert probabilities(scores, 3.0)["APPROVED"] < 0.9 < probabilities(scores, 0.5)["APPROVED"]


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_is_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        probabilities({"APPROVED": 0.0}, temperature)


def _simulated(
    count: int, *, sharpened: float, seed: int = 1
) -> tuple[list[dict[str, float]], list[str]]:
    """Cases drawn from known probabilities, whose logarithms the model multiplies too much."""
    random = Random(seed)
    scores, labels = [], []
    for _ in range(count):
        weights = [random.expovariate(1.0) ** 2 for _ in LABELS]
        labels.append(random.choices(LABELS, weights)[0])
        logs = (sharpened * math.log(weight / sum(weights)) for weight in weights)
        scores.append(dict(zip(LABELS, logs, strict=True)))
    return scores, labels


@pytest.mark.parametrize("sharpened", [0.5, 1.0, 3.0])
def test_the_fitted_temperature_undoes_over_and_underconfidence(sharpened: float) -> None:
    scores, labels = _simulated(4000, sharpened=sharpened)
    assert fit_temperature(scores, labels) == pytest.approx(sharpened, rel=0.1)


def test_the_fitted_temperature_is_the_best_one() -> None:
    scores, labels = _simulated(300, sharpened=2.0)
    fitted = fit_temperature(scores, labels)
    best = negative_log_likelihood(scores, labels, temperature=fitted)
    for other in (fitted * 0.95, fitted * 1.05):
        assert negative_log_likelihood(scores, labels, temperature=other) > best


def test_a_few_cases_that_are_all_right_do_not_ask_for_certainty() -> None:
    scores = [{"APPROVED": math.log(0.9), "DENIED": math.log(0.1)}] * 5
    fitted = fit_temperature(scores, ["APPROVED"] * 5)
    assert fitted == pytest.approx(LOWEST_TEMPERATURE, rel=0.01)


def test_without_cases_the_temperature_changes_nothing() -> None:
    assert fit_temperature([], []) == 1.0


def test_calibration_error_of_honest_confidences_is_small() -> None:
    random = Random(2)
    confidences = [random.uniform(0.4, 1.0) for _ in range(20_000)]
    correct = [random.random() < confidence for confidence in confidences]
    assert expected_calibration_error(confidences, correct) < 0.015


def test_calibration_error_is_the_distance_of_confidence_and_accuracy() -> None:
    confidences = [0.95] * 10 + [0.55] * 10
    correct = [True] * 6 + [False] * 4 + [True] * 9 + [False]
    assert expected_calibration_error(confidences, correct) == pytest.approx(0.35)
    assert expected_calibration_error([1.0], [True]) == 0.0


def test_calibration_error_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no cases"):
        expected_calibration_error([], [])
