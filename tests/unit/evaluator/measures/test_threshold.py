from dataclasses import replace

import numpy as np
import pytest

from services.evaluator.measures.held_out import Answers, HeldOut
from services.evaluator.measures.threshold import ACCEPTS_NOTHING, Proposal, propose_threshold
from shared.models.calibration import fit_temperature
from shared.tasks import TASKS
from tests.unit.evaluator.simulated_versions import (
    ADVERSE,
    LABELS,
    PASSED,
    saying,
    sharp,
    simulate_held_out,
)

TOLERATED = 0.05
TEST_CASES = 1000


def proposed(held_out: HeldOut, answers: Answers) -> Proposal:
    return propose_threshold(held_out, answers, tolerated_error=TOLERATED, test_cases=TEST_CASES)


def proposals(
    *, cases: int, quality: float, noise: float, scale: float = 1.0, runs: int = 200
) -> np.ndarray:
    """(threshold, true error of what it accepts) over simulated calibration splits."""
    rng = np.random.default_rng(11)
    world = simulate_held_out(rng, 40_000)
    raw = sharp(rng, world, quality=quality, noise=noise, scale=scale)
    found = []
    for _ in range(runs):
        held_out = simulate_held_out(rng, cases)
        answers = sharp(rng, held_out, quality=quality, noise=noise, scale=scale)
        temperature = fitted_temperature(held_out, answers) if scale > 1.0 else 1.0
        answers, truly = tempered(answers, temperature), tempered(raw, temperature)
        threshold = proposed(held_out, answers).threshold
        taken = truly.accepted(world, threshold)
        wrong = (truly.predicted != world.truth)[taken]
        found.append((threshold, wrong.mean() if taken.any() else 0.0))
    return np.array(found)


def fitted_temperature(held_out: HeldOut, answers: Answers) -> float:
    """As the trainer fits it, on the same split."""
    scores = [dict(zip(LABELS, row, strict=True)) for row in np.log(answers.probabilities)]
    return fit_temperature(scores, [LABELS[index] for index in held_out.truth])


def tempered(answers: Answers, temperature: float) -> Answers:
    if temperature == 1.0:
        return answers
    raised = np.maximum(answers.probabilities, 1e-300) ** (1 / temperature)
    return replace(answers, probabilities=raised / raised.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("cases", [80, 150])
@pytest.mark.parametrize(("quality", "noise"), [(1.5, 0.04), (2.0, 0.04), (2.5, 0.0)])
def test_what_is_accepted_is_wrong_no_more_than_tolerated_on_average(
    cases: int, quality: float, noise: float
) -> None:
    found = proposals(cases=cases, quality=quality, noise=noise)
    accepting = found[found[:, 0] < ACCEPTS_NOTHING]
    assert accepting[:, 1].mean() <= TOLERATED
    assert (found[:, 1] > 1.5 * TOLERATED).mean() <= 0.05


def test_a_good_model_accepts_something_also_with_100_calibration_cases() -> None:
    found = proposals(cases=100, quality=2.5, noise=0.02)
    assert (found[:, 0] < ACCEPTS_NOTHING).mean() >= 0.9


def test_a_model_that_knows_little_accepts_nothing() -> None:
    found = proposals(cases=100, quality=0.7, noise=0.04)
    assert (found[:, 0] == ACCEPTS_NOTHING).mean() >= 0.98


def test_an_overconfident_model_gains_nothing_once_its_temperature_is_fitted() -> None:
    found = proposals(cases=150, quality=1.0, noise=0.04, scale=4.0, runs=60)
    assert (found[:, 1] > 1.5 * TOLERATED).mean() <= 0.05


def calibration(
    truth: list[int], predicted: list[int], confidence: list[float]
) -> tuple[HeldOut, Answers]:
    n = len(truth)
    held_out = HeldOut(LABELS, ADVERSE, np.array(truth), np.ones(n), np.arange(n), PASSED)
    table = np.zeros((n, 3))
    for row, (label, sure) in enumerate(zip(predicted, confidence, strict=True)):
        table[row] = (1 - sure) / 2
        table[row, label] = sure
    return held_out, Answers("v", table, np.ones(n), 1.0)


def test_the_threshold_that_promises_the_most_is_taken() -> None:
    # 40 right ones at .97, then 10 wrong ones at .7: the first are accepted, the others not.
    held_out, answers = calibration([0] * 40 + [1] * 10, [0] * 50, [0.97] * 40 + [0.7] * 10)
    found = proposed(held_out, answers)
    # (40 * 0 + 30 * (.03 + .025)) / 70
    assert found.threshold == pytest.approx(0.97)
    assert found.confirmation > 0.9
    assert found.effective_cases == pytest.approx(40.0)
    assert found.expected_error == pytest.approx(30 * 0.055 / 70)


def test_fewer_than_20_cases_support_no_threshold() -> None:
    held_out, answers = calibration([0] * 19, [0] * 19, [0.99] * 19)
    assert proposed(held_out, answers) == Proposal(ACCEPTS_NOTHING, 0.0, None)


def test_where_a_test_split_is_too_small_to_confirm_anything_nothing_is_proposed() -> None:
    """Of 40 calibration cases all are accepted: 58 test cases cannot show 5 %, 59 can."""
    held_out, answers = calibration([0] * 40, [0] * 40, [0.999] * 40)
    for test_cases, proposes in ((58, False), (59, True)):
        found = propose_threshold(
            held_out, answers, tolerated_error=TOLERATED, test_cases=test_cases
        )
        assert (found.threshold < ACCEPTS_NOTHING) == proposes


def test_a_stricter_threshold_is_taken_where_it_is_likelier_to_be_confirmed() -> None:
    """All 200 err at 3.5 %, which 300 test cases rarely confirm; the surest 150 do not err."""
    truth = [0] * 150 + [1] * 7 + [0] * 43
    held_out, answers = calibration(truth, [0] * 200, [0.99] * 150 + [0.9] * 50)
    few = propose_threshold(held_out, answers, tolerated_error=TOLERATED, test_cases=300)
    many = propose_threshold(held_out, answers, tolerated_error=TOLERATED, test_cases=30_000)
    assert (few.threshold, many.threshold) == pytest.approx((0.99, 0.9))


def test_a_weight_counts_for_as_much_as_it_stands_for() -> None:
    held_out, answers = calibration([0] * 200 + [1], [0] * 201, [0.98] * 201)
    assert proposed(held_out, answers).threshold < 1.0
    # The one error was drawn with probability 1/15: it stands for fifteen.
    heavy = replace(held_out, weights=np.append(np.ones(200), 15.0))
    assert proposed(heavy, answers).threshold == ACCEPTS_NOTHING


def test_adverse_answers_and_low_label_mass_never_count_as_accepted() -> None:
    held_out, answers = calibration([1] * 60, [1] * 60, [0.99] * 60)
    assert proposed(held_out, answers).threshold == ACCEPTS_NOTHING
    held_out, answers = calibration([0] * 60, [0] * 60, [0.99] * 60)
    doubtful = Answers("v", answers.probabilities, np.full(60, 0.4), 1.0)
    assert proposed(held_out, doubtful).threshold == ACCEPTS_NOTHING


def test_equal_confidences_are_accepted_together_or_not_at_all() -> None:
    held_out, answers = calibration([0] * 30 + [1] * 30, [0] * 60, [0.9] * 60)
    assert proposed(held_out, answers).threshold == ACCEPTS_NOTHING


def test_an_empty_calibration_split_accepts_nothing() -> None:
    held_out = HeldOut.of([], TASKS["adjudication"])
    answers = Answers.of("v", [], labels=LABELS, label_mass=[], milliseconds_per_case=0.0)
    assert proposed(held_out, answers).threshold == ACCEPTS_NOTHING


def test_the_threshold_itself_is_accepted() -> None:
    rng = np.random.default_rng(12)
    held_out = simulate_held_out(rng, 100)
    answers = saying(held_out, held_out.truth, confidence=0.97)
    proposal = proposed(held_out, answers)
    assert answers.accepted(held_out, proposal.threshold).sum() == (held_out.truth == 0).sum()
