import numpy as np
import pytest

from services.evaluator.measures.held_out import UNANSWERED, Answers, HeldOut
from services.evaluator.measures.strata import Stratum, effective_cases, stratify
from tests.unit.evaluator.simulated_versions import ADVERSE, LABELS, PASSED, saying


def sample(*, audited: int, others: int, weight: float) -> HeldOut:
    """All are approved by the experts; the audited come first."""
    n = audited + others
    weights = np.where(np.arange(n) < audited, weight, 1.0)
    return HeldOut(LABELS, ADVERSE, np.zeros(n, dtype=np.int64), weights, np.arange(n), PASSED)


def erring(held_out: HeldOut, *, audited: float, others: float) -> Answers:
    """Wrong about every so many cases of each kind."""
    number = np.arange(len(held_out))
    rates = np.where(held_out.weights > 1, audited, others)
    wrong = np.floor((number + 1) * rates) > np.floor(number * rates)
    return saying(held_out, wrong.astype(np.int64))


def test_equally_weighted_cases_count_as_what_they_are() -> None:
    held_out = sample(audited=0, others=300, weight=1.0)
    (only,) = stratify(held_out, erring(held_out, audited=0.0, others=0.2))
    assert (only.inclusion_probability, only.cases, only.share) == (1.0, 300, 1.0)
    assert effective_cases((only,)) == pytest.approx(300)


def test_where_all_strata_err_alike_it_is_kishs_size() -> None:
    held_out = sample(audited=200, others=4000, weight=20.0)
    found = stratify(held_out, erring(held_out, audited=0.2, others=0.2))
    kish = held_out.weights.sum() ** 2 / (held_out.weights**2).sum()
    assert effective_cases(found) == pytest.approx(kish, rel=0.01)
    assert [(one.cases, one.effective_cases) for one in found] == [(200, 400.0), (4000, 8000.0)]


def test_sure_cases_that_stand_for_many_blur_less_than_doubtful_ones() -> None:
    """Computed by hand: 50 audited stand for half of 2,000; 2 % of them are wrong, 20 % else."""
    held_out = sample(audited=50, others=1000, weight=20.0)
    found = stratify(held_out, erring(held_out, audited=0.02, others=0.2))
    heavy, light = (one.error for one in found)
    assert (heavy, light) == pytest.approx((0.02, 0.2), abs=0.005)
    variance = (heavy * (1 - heavy) / 50 + light * (1 - light) / 1000) / 4
    error = (heavy + light) / 2
    assert effective_cases(found) == pytest.approx(error * (1 - error) / variance)
    assert effective_cases(found) > 2 * 2000**2 / (50 * 400 + 1000)  # twice Kish's


def test_a_stratum_without_an_observed_error_is_not_taken_for_certain() -> None:
    held_out = sample(audited=3, others=200, weight=20.0)
    heavy, _ = stratify(held_out, erring(held_out, audited=0.0, others=0.3))
    assert heavy.error == pytest.approx((0 + 2 * 0.235) / 5, abs=0.005)


def test_unanswered_cases_are_not_right() -> None:
    held_out = sample(audited=10, others=90, weight=20.0)
    answers = erring(held_out, audited=0.1, others=0.1)
    read = np.where(held_out.weights > 1, UNANSWERED, 1.0)
    heavy, light = stratify(held_out, Answers("v", answers.probabilities, read, 1.0))
    assert (heavy.cases, light.cases) == (10, 90)
    assert heavy.error > 0.9
    assert effective_cases(()) == 0.0


def test_one_stratum_is_counted_by_what_it_stands_for() -> None:
    assert Stratum(0.05, 14, 0.35, 0.03).effective_cases == pytest.approx(40)
