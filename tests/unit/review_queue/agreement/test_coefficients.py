"""The coefficients of agreement against their definitions and each other."""

import random
from collections.abc import Callable, Sequence
from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from services.review_queue.agreement.coefficients import (
    Labels,
    Specific,
    cohen,
    fleiss,
    interval,
    krippendorff,
    raw,
    specific,
)

LABELS = ["APPROVED", "DENIED", "PENDING", "W"]
labels = st.sampled_from(LABELS)
many_units = st.lists(st.lists(labels, max_size=5), max_size=12)
many_pairs = st.lists(st.tuples(labels, labels), max_size=20)
among_many = pytest.mark.parametrize("coefficient", [raw, fleiss, krippendorff])
Among = Callable[[Sequence[Labels]], float | None]


def same(one: float | None, other: float | None) -> bool:
    return one is other is None or one == pytest.approx(other, abs=1e-9)


def test_specific_agreement_counts_the_pairs_of_three() -> None:
    # Three pairs: A with A, and A with B twice.
    assert specific([["A", "A", "B"]]) == {"A": Specific(0.5, 3), "B": Specific(0.0, 2)}


def test_units_of_every_size_count_once_in_fleiss_kappa() -> None:
    # Of (A, A) all, of (A, B, B) a third agrees: 2/3. A is 1 of 1 and 1 of 3: 2/3 and 1/3 by label.
    expected = (2 / 3) ** 2 + (1 / 3) ** 2

    assert fleiss([["A", "A"], ["A", "B", "B"]]) == pytest.approx(
        (2 / 3 - expected) / (1 - expected)
    )


@given(many_units)
def test_alpha_is_what_its_definition_says(units: list[list[str]]) -> None:
    paired = [unit for unit in units if len(unit) > 1]
    values = [label for unit in paired for label in unit]
    assume(len(set(values)) > 1)
    observed = sum(
        sum(one != other for one, other in permutations(unit, 2)) / (len(unit) - 1)
        for unit in paired
    ) / len(values)
    by_chance = sum(one != other for one, other in permutations(values, 2))
    expected = by_chance / (len(values) * (len(values) - 1))

    assert krippendorff(units) == pytest.approx(1 - observed / expected)


@given(st.lists(st.lists(labels, min_size=3, max_size=3), min_size=1, max_size=12))
def test_alpha_is_fleiss_kappa_corrected_for_the_size(units: list[list[str]]) -> None:
    alpha, kappa = krippendorff(units), fleiss(units)
    ratings = 3 * len(units)

    if alpha is None or kappa is None:
        assert alpha is kappa is None
        return
    assert 1 - alpha == pytest.approx((1 - kappa) * (ratings - 1) / ratings)


@given(many_pairs)
def test_with_two_raters_fleiss_kappa_is_scotts_pi(pairs: list[tuple[str, str]]) -> None:
    values = [label for pair in pairs for label in pair]
    assume(len(set(values)) > 1)
    expected = sum((values.count(label) / len(values)) ** 2 for label in set(values))
    agreeing = sum(one == other for one, other in pairs) / len(pairs)

    assert fleiss(pairs) == pytest.approx((agreeing - expected) / (1 - expected))


@given(many_pairs)
def test_cohens_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    assume(len({label for pair in pairs for label in pair}) > 1)
    left, right = zip(*pairs, strict=True)

    assert cohen(pairs) == pytest.approx(cohen_kappa_score(left, right))


@given(many_pairs, st.permutations(LABELS), st.randoms())
def test_cohens_kappa_knows_no_order_names_or_sides(
    pairs: list[tuple[str, str]], names: list[str], draw: random.Random
) -> None:
    renamed = dict(zip(LABELS, names, strict=True))
    changed = [(renamed[other], renamed[one]) for one, other in pairs]
    draw.shuffle(changed)

    assert same(cohen(pairs), cohen(changed))


@among_many
@given(many_units, st.permutations(LABELS), st.randoms())
def test_no_coefficient_knows_order_or_names(
    coefficient: Among, units: list[list[str]], names: list[str], draw: random.Random
) -> None:
    renamed = dict(zip(LABELS, names, strict=True))
    changed = [draw.sample([renamed[label] for label in unit], len(unit)) for unit in units]
    draw.shuffle(changed)

    assert same(coefficient(units), coefficient(changed))


@among_many
@given(many_units)
def test_units_with_one_rating_change_nothing(coefficient: Among, units: list[list[str]]) -> None:
    assert same(coefficient(units), coefficient([*units, ["DENIED"], [], ["W"]]))


@among_many
@given(st.lists(st.tuples(labels, st.integers(2, 5)), min_size=1))
def test_perfect_agreement_is_one(coefficient: Among, given_labels: list[tuple[str, int]]) -> None:
    units = [[label] * times for label, times in given_labels]
    varied = len({label for label, _ in given_labels}) > 1

    assert coefficient(units) == (1.0 if varied or coefficient is raw else None)


@among_many
@given(many_units)
def test_a_coefficient_is_a_number_up_to_one_or_none(
    coefficient: Among, units: list[list[str]]
) -> None:
    value = coefficient(units)

    assert value is None or -1 - 1e-9 <= value <= 1 + 1e-9


@pytest.mark.parametrize("units", [[], [[]], [["A"], ["B"]]])
def test_without_pairs_nothing_is_defined(units: list[list[str]]) -> None:
    assert raw(units) is fleiss(units) is krippendorff(units) is cohen([]) is None
    assert interval([units]) is None
    assert specific(units) == {}


def test_where_only_one_label_was_given_chance_explains_everything() -> None:
    only = [("A", "A"), ("A", "A")]

    assert cohen(only) is fleiss(only) is krippendorff(only) is None
    assert raw(only) == 1.0


def test_two_who_never_say_the_same_have_a_kappa_of_zero() -> None:
    # Each says one label always: 0 observed, 0 expected.
    assert cohen([("A", "B"), ("A", "B")]) == 0.0
