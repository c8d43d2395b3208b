import numpy as np
import pytest

from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.error_bound import (
    AcceptedError,
    bound_accepted_error,
    chance_of_confirmation,
)
from services.evaluator.measures.held_out import Floats, HeldOut
from tests.unit.evaluator.simulated_versions import ADVERSE, LABELS, saying


def bound(wrong: np.ndarray, *, weights: Floats | None = None, group_size: int = 1) -> float:
    found = accepted(wrong, weights=weights, group_size=group_size)
    assert found is not None
    return found.upper


def accepted(
    wrong: np.ndarray, *, weights: Floats | None = None, group_size: int = 1
) -> AcceptedError | None:
    """Of a version that approves everything, rightly or not."""
    n = len(wrong)
    held_out = HeldOut(
        LABELS,
        ADVERSE,
        truth=wrong.astype(np.int64),
        weights=np.ones(n) if weights is None else weights,
        groups=np.arange(n) // group_size,
        standing=np.full(n, "passed"),
    )
    said = saying(held_out, np.zeros(n, dtype=np.int64), confidence=0.9)
    return bound_accepted_error(held_out, EvaluatedVersion(said, 0.5))


def errors(count: int, *, of: int) -> np.ndarray:
    return np.arange(of) < count


@pytest.mark.parametrize(
    ("count", "cases", "upper"),
    [(0, 59, 0.0495), (0, 58, 0.0503), (5, 100, 0.1022), (10, 100, 0.1637), (100, 100, 1.0)],
)
def test_it_is_clopper_and_pearsons_bound(count: int, cases: int, upper: float) -> None:
    """One-sided 95 %, as in their tables."""
    if count in (5, 10):  # each error weighs a little more: one wrong group is added
        assert bound(errors(count, of=cases)) == pytest.approx(upper, abs=0.0005)
    else:
        assert bound(errors(count, of=cases)) == pytest.approx(upper, abs=0.0001)


def test_of_several_strata_each_weighs_what_it_stands_for() -> None:
    """100 audited at 1 in 20 and 1,000 others: the audited stand for two thirds."""
    weights = np.where(np.arange(1100) < 100, 20.0, 1.0)
    found = accepted(np.zeros(1100, dtype=bool), weights=weights)
    assert found is not None
    heavy, light = found.strata
    assert (heavy.inclusion_probability, heavy.cases, light.cases) == (0.05, 100, 1000)
    assert heavy.upper == pytest.approx(1 - 0.025 ** (1 / 100))
    assert found.upper == pytest.approx(2 / 3 * heavy.upper + 1 / 3 * light.upper)


def test_one_audited_case_says_next_to_nothing_of_what_it_stands_for() -> None:
    assert bound(np.zeros(1001, dtype=bool), weights=np.append(np.ones(1000), 1000.0)) > 0.45


def test_without_errors_the_groups_count_and_not_the_cases() -> None:
    assert bound(np.zeros(236, dtype=bool), group_size=4) == pytest.approx(0.0495, abs=0.0001)


def test_a_version_that_accepts_nothing_has_no_error() -> None:
    assert accepted(np.zeros(0, dtype=bool)) is None


@pytest.mark.parametrize("group_size", [1, 4, 40])
@pytest.mark.parametrize("together", [0.0, 0.5, 1.0])
def test_it_lies_below_the_truth_in_at_most_5_percent(group_size: int, together: float) -> None:
    """Of 400 cases 5 % are wrong; `together`: the share decided for a whole group."""
    rng, runs, below = np.random.default_rng(41), 600, 0
    for _ in range(runs):
        by_group = (rng.random(400) < 0.05)[np.arange(400) // group_size]
        alone = rng.random(400) < 0.05
        wrong = np.where(rng.random(400) < together, by_group, alone)
        below += bound(wrong, group_size=group_size) < 0.05
    assert below / runs <= 0.06  # 5 %, and chance


def test_so_it_does_where_only_the_audited_are_wrong() -> None:
    """60 audited stand for 1,200 of 1,540 and are wrong in 6.4 %, so that 5 % of all are."""
    rng, runs, below = np.random.default_rng(42), 600, 0
    weights = np.where(np.arange(400) < 60, 20.0, 1.0)
    for _ in range(runs):
        wrong = (weights > 1) & (rng.random(400) < 0.05 * 1540 / 1200)
        below += bound(wrong, weights=weights) < 0.05
    assert below / runs <= 0.05


def test_the_chance_of_confirmation_is_how_often_the_bound_is_tolerated() -> None:
    rng, runs = np.random.default_rng(43), 400
    for cases, rate in ((100, 0.01), (300, 0.02), (300, 0.03)):
        found = np.mean([bound(rng.random(cases) < rate) <= 0.05 for _ in range(runs)])
        said = chance_of_confirmation(np.array([cases]), np.array([rate]), tolerated=0.05)
        assert said[0] == pytest.approx(found, abs=0.07)
    few = chance_of_confirmation(np.array([0.0, 58.0]), np.array([0.01, 0.0]), tolerated=0.05)
    assert few.tolist() == [0.0, 0.0]
