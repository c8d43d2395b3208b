"""The interval of alpha: it holds the truth as often as it says, or says nothing."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.agreement.coefficients import alpha_interval, krippendorff_alpha

LABELS = ["APPROVED", "DENIED", "PENDING"]
OFTEN = [60, 30, 10]


def drawn(reviews: int, knowing: float, draw: random.Random) -> list[tuple[str, str]]:
    """Pairs whose alpha is `knowing` squared: each knows the truth, or guesses like the truth."""
    truths = draw.choices(LABELS, OFTEN, k=reviews)

    def said(truth: str) -> str:
        return truth if draw.random() < knowing else draw.choices(LABELS, OFTEN)[0]

    return [(said(truth), said(truth)) for truth in truths]


@pytest.mark.parametrize("knowing", [0.7, 0.95])
def test_the_interval_holds_the_truth_nineteen_times_in_twenty(knowing: float) -> None:
    draw = random.Random(4)
    found = [alpha_interval([pair] for pair in drawn(100, knowing, draw)) for _ in range(400)]
    within = [low <= knowing**2 <= high for low, high in filter(None, found)]

    assert len(within) > 390
    assert 0.925 < sum(within) / len(within) < 0.985


def test_the_interval_narrows_with_the_root_of_the_reviews() -> None:
    widths = []
    for reviews in (400, 6400):
        found = alpha_interval([pair] for pair in drawn(reviews, 0.8, random.Random(4)))
        assert found is not None
        widths.append(found[1] - found[0])

    assert widths[0] / widths[1] == pytest.approx(4, rel=0.15)


def test_what_comes_of_one_review_is_not_counted_as_independent() -> None:
    pairs = drawn(200, 0.8, random.Random(4))
    once = alpha_interval([pair] for pair in pairs)
    twice = alpha_interval([pair, pair] for pair in pairs)
    apart = alpha_interval([pair] for pair in pairs * 2)

    assert once is not None
    assert twice == pytest.approx(once, abs=0.01)
    assert apart is not None
    assert apart[1] - apart[0] == pytest.approx((once[1] - once[0]) / math.sqrt(2), rel=0.03)


@given(st.lists(st.lists(st.lists(st.sampled_from(LABELS), max_size=3), max_size=2), max_size=10))
def test_an_interval_holds_its_alpha_or_is_none(reviews: list[list[list[str]]]) -> None:
    found = alpha_interval(reviews)
    alpha = krippendorff_alpha(unit for review in reviews for unit in review)

    if found is not None:
        assert alpha is not None
        assert -1 <= found[0] < alpha < found[1] <= 1


@pytest.mark.parametrize(
    "reviews",
    [
        pytest.param([("A", "A"), ("B", "B"), ("A", "A"), ("B", "B")], id="perfect"),
        pytest.param([("A", "A"), ("A", "A"), ("A", "B")], id="one is all there is"),
        pytest.param([("A", "B"), ("A", "B"), ("B", "A")], id="all alike"),
    ],
)
def test_without_spread_there_is_no_interval(reviews: list[tuple[str, str]]) -> None:
    assert alpha_interval([pair] for pair in reviews) is None
