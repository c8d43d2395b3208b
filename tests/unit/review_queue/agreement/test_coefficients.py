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
    SpecificAgreement,
    alpha_interval,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    raw_agreement,
    specific_agreement,
)

LABELS = ["APPROVED", "DENIED", "PENDING", "W"]
labels = st.sampled_from(LABELS)
many_units = st.lists(st.lists(labels, max_size=5), max_size=12)
many_pairs = st.lists(st.tuples(labels, labels), max_size=20)
among_many = pytest.mark.parametrize(
    "coefficient", [raw_agreement, fleiss_kappa, krippendorff_alpha]
)
Among = Callable[[Sequence[Labels]], float | None]


def same(one: float | None, other: float | None) -> bool:
    return one is other is None or one == pytest.approx(other, abs=1e-9)


def test_specific_agreement_counts_the_pairs_of_three() -> None:
    # Three pairs: A with A, and A with B twice.
    assert specific_agreement([["A", "A", "B"]]) == {
        "A": SpecificAgreement(0.5, 3),
        "B": SpecificAgreement(0.0, 2),
    }


def test_units_of_every_size_count_once_in_fleiss_kappa() -> None:
    # Of (A, A) all, of (A, B, B) a third agrees: 2/3. A is 1 of 1 and 1 of 3: 2/3 and 1/3 by label.
    expected = (2 / 3) ** 2 + (1 / 3) ** 2

    assert fleiss_kappa([["A", "A"], ["A", "B", "B"]]) == pytest.approx(
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

    assert krippendorff_alpha(units) == pytest.approx(1 - observed / expected)


@given(st.lists(st.lists(labels, min_size=3, max_size=3), min_size=1, max_size=12))
def test_alpha_is_fleiss_kappa_corrected_for_the_size(units: list[list[str]]) -> None:
    alpha, kappa = krippendorff_alpha(units), fleiss_kappa(units)
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

    assert fleiss_kappa(pairs) == pytest.approx((agreeing - expected) / (1 - expected))


@given(many_pairs)
def test_cohens_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    assume(len({label for pair in pairs for label in pair}) > 1)
    left, right = zip(*pairs, strict=True)

    assert cohen_kappa(pairs) == pytest.approx(cohen_kappa_score(left, right))


@given(many_pairs, st.permutations(LABELS), st.randoms())
def test_cohens_kappa_knows_no_order_names_or_sides(
    pairs: list[tuple[str, str]], names: list[str], draw: random.Random
) -> None:
    renamed = dict(zip(LABELS, names, strict=True))
    changed = [(renamed[other], renamed[one]) for one, other in pairs]
    draw.shuffle(changed)

    assert same(cohen_kappa(pairs), cohen_kappa(changed))


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

    assert coefficient(units) == (1.0 if varied or coefficient is raw_agreement else None)


@among_many
@given(many_units)
def test_a_coefficient_is_a_number_up_to_one_or_none(
    coefficient: Among, units: list[list[str]]
) -> None:
    value = coefficient(units)

    assert value is None or -1 - 1e-9 <= value <= 1 + 1e-9


@pytest.mark.parametrize("units", [[], [[]], [["A"], ["B"]]])
def test_without_pairs_nothing_is_defined(units: list[list[str]]) -> None:
    assert (
        raw_agreement(units)
        is fleiss_kappa(units)
        is krippendorff_alpha(units)
        is cohen_kappa([])
        is None
    )
    assert alpha_interval([units]) is None
    assert specific_agreement(units) == {}


def test_where_only_one_label_was_given_chance_explains_everything() -> None:
    only = [("A", "A"), ("A", "A")]

    assert cohen_kappa(only) is fleiss_kappa(only) is krippendorff_alpha(only) is None
    assert raw_agreement(only) == 1.0


def test_two_who_never_say_the_same_have_a_kappa_of_zero() -> None:
    # Each says one label always: 0 observed, 0 expected.
    assert cohen_kappa([("A", "B"), ("A", "B")]) == 0.0
