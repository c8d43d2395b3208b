import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, f1_score

from services.evaluator.measures.bootstrap import EvaluatedVersion, resample
from services.evaluator.measures.choice import (
    accuracy,
    assess,
    balanced_accuracy,
    confusion_matrix,
    kappa,
    macro_f1,
)
from services.evaluator.measures.held_out import UNANSWERED, Answers, HeldOut
from tests.unit.evaluator.simulated_versions import (
    ADVERSE,
    LABELS,
    PASSED,
    saying,
    sharp,
    simulate_held_out,
)


def small() -> tuple[HeldOut, Answers]:
    """Four cases, the last of which stands for ten."""
    held_out = HeldOut(
        LABELS,
        ADVERSE,
        truth=np.array([0, 0, 1, 1]),
        weights=np.array([1.0, 1.0, 1.0, 10.0]),
        groups=np.arange(4),
        standing=PASSED,
    )
    table = np.array([[0.9, 0.05, 0.05], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1]])
    return held_out, Answers("v", table, np.ones(4), 12.0)


def test_measures_of_a_small_example_computed_by_hand() -> None:
    held_out, answers = small()
    found = assess(held_out, answers, threshold=0.65)
    measures = found.measures
    assert measures.accuracy == pytest.approx(2 / 13)
    assert measures.auto_accept_rate == pytest.approx(11 / 13)  # the first and the last case
    assert measures.auto_accept_error == pytest.approx(10 / 11)
    assert found.false_approvals == pytest.approx(10 / 13)
    assert found.false_denials == pytest.approx(1 / 13)
    assert found.review_share == pytest.approx(2 / 13)
    assert found.accepted_accuracy == pytest.approx(1 / 11)
    assert (measures.cases, measures.milliseconds_per_case) == (4, 12.0)
    # bins .9, .6, .8, .7: |1-.9|*1 + |0-.6|*1 + |1-.8|*1 + |0-.7|*10, over 13
    assert measures.expected_calibration_error == pytest.approx((0.1 + 0.6 + 0.2 + 7.0) / 13)


def test_an_unanswered_case_is_neither_right_nor_accepted() -> None:
    """The last case, which stands for ten, is unanswered; two of the other three are right."""
    held_out, answers = small()
    unread = replace(answers, label_mass=np.array([1.0, 1.0, 1.0, UNANSWERED]))
    found = assess(held_out, unread, threshold=0.65)
    assert found.unanswered == 1
    assert found.measures.unanswered_share == pytest.approx(10 / 13)
    assert found.measures.accuracy == pytest.approx(2 / 13)
    assert found.confusion[1][-1] == pytest.approx(10 / 13)
    assert found.measures.auto_accept_rate == pytest.approx(1 / 13)
    assert found.false_approvals == 0.0
    assert sum(bin_.share for bin_ in found.calibration) == pytest.approx(1.0)
    candidate = EvaluatedVersion(unread, 0.65)
    samples = resample(held_out, candidate, None, rng=np.random.default_rng(1), resamples=100)
    assert samples.candidate(accuracy).estimate == pytest.approx(2 / 13)


@pytest.mark.parametrize("nothing", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_a_number_is_no_answer(nothing: float) -> None:
    """Neither among the probabilities nor as their mass."""
    rows = [dict.fromkeys(LABELS, 1 / 3), dict.fromkeys(LABELS, 1 / 3) | {"DENIED": nothing}]
    found = Answers.of(
        "v",
        [*rows, rows[0]],
        labels=LABELS,
        label_mass=[1.0, 1.0, nothing],
        milliseconds_per_case=1,
    )
    assert found.answered.tolist() == [True, False, False]
    assert found.label_mass.tolist() == [1.0, UNANSWERED, UNANSWERED]
    assert found.probabilities.sum(axis=1) == pytest.approx(1.0)


def test_to_accept_in_full_what_was_approved_in_part_is_an_error() -> None:
    """The first case: the label is right, the amount is not."""
    held_out, answers = small()
    part = replace(held_out, in_part=np.array([True, False, False, False]))
    found = assess(part, answers, threshold=0.65)
    assert found.measures.auto_accept_rate == pytest.approx(11 / 13)
    assert found.measures.auto_accept_error == 1.0
    assert found.measures.accuracy == pytest.approx(1 / 12)  # of those with one label altogether
    samples = resample(
        part, EvaluatedVersion(answers, 0.65), None, rng=np.random.default_rng(1), resamples=100
    )
    assert samples.candidate(accuracy).estimate == pytest.approx(1 / 12)
    assert samples.of_candidate.accepted_wrongly[0] == samples.of_candidate.accepted[0] == 11.0
    assert found.tradeoff == ()


def test_a_threshold_above_every_confidence_accepts_nothing() -> None:
    held_out, answers = small()
    found = assess(held_out, answers, threshold=1.01)
    assert found.measures.auto_accept_rate == 0.0
    assert found.measures.auto_accept_error is None


def test_measures_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(21)
    held_out = simulate_held_out(rng, 500, weights=rng.choice([1.0, 2.0, 20.0], size=500))
    answers = sharp(rng, held_out, quality=1.0, noise=0.1)
    matrix, how = confusion_matrix(held_out, answers), {"sample_weight": held_out.weights}
    truth, said = held_out.truth, answers.predicted
    assert float(accuracy(matrix)) == pytest.approx(
        np.average(truth == said, weights=held_out.weights)
    )
    assert float(macro_f1(matrix)) == pytest.approx(f1_score(truth, said, average="macro", **how))
    assert float(balanced_accuracy(matrix)) == pytest.approx(
        balanced_accuracy_score(truth, said, **how)
    )
    assert kappa(matrix) == pytest.approx(cohen_kappa_score(truth, said, **how))


def test_weighting_makes_a_biased_sample_speak_of_all_cases() -> None:
    """Everything unsure is reviewed, of the sure cases 5 %: unweighted, a version looks bad."""
    rng = np.random.default_rng(22)
    world = simulate_held_out(rng, 60_000)
    answers = sharp(rng, world, quality=1.5, noise=0.04)
    truth = assess(world, answers, threshold=0.9).measures
    probability = np.where(answers.accepted(world, 0.9), 0.05, 1.0)
    drawn = rng.random(len(world)) < probability
    sample = HeldOut(
        LABELS,
        ADVERSE,
        world.truth[drawn],
        1 / probability[drawn],
        np.arange(int(drawn.sum())),
        PASSED,
    )
    seen = Answers(
        "v", answers.probabilities[drawn], answers.label_mass[drawn], answers.milliseconds_per_case
    )
    weighted = assess(sample, seen, threshold=0.9).measures
    flat = HeldOut(LABELS, ADVERSE, sample.truth, np.ones(len(sample)), sample.groups, PASSED)
    unweighted = assess(flat, seen, threshold=0.9).measures
    assert weighted.accuracy == pytest.approx(truth.accuracy, abs=0.01)
    assert weighted.auto_accept_rate == pytest.approx(truth.auto_accept_rate, abs=0.01)
    assert abs(unweighted.accuracy - truth.accuracy) > 0.03


def test_a_label_that_never_occurs_does_not_count_in_the_means() -> None:
    held_out = HeldOut(LABELS, ADVERSE, np.array([0, 0, 1]), np.ones(3), np.arange(3), PASSED)
    found = assess(held_out, saying(held_out, np.array([0, 0, 1])), threshold=1.01)
    assert found.measures.macro_f1 == 1.0
    assert found.balanced_accuracy == 1.0


def test_tradeoff_starts_where_enough_is_accepted_to_speak_of() -> None:
    rng = np.random.default_rng(23)
    held_out = simulate_held_out(rng, 300)
    curve = assess(held_out, sharp(rng, held_out, quality=1.5, noise=0.04), threshold=0.9).tradeoff
    assert all(point.accepted * 300 >= 10 for point in curve)
    accepted = [point.accepted for point in curve]
    assert accepted == sorted(accepted)


def test_a_large_test_split_is_measured_quickly() -> None:
    rng = np.random.default_rng(24)
    held_out = simulate_held_out(rng, 100_000)
    answers = sharp(rng, held_out, quality=1.5, noise=0.04)
    begun = time.process_time()  # others may have the processor meanwhile
    assess(held_out, answers, threshold=0.9)
    assert time.process_time() - begun < 2.0
