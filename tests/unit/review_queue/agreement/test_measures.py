"""Who is compared with whom: experts with experts, experts with the model, never both at once."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.agreement.coefficients import (
    SpecificAgreement,
    alpha_interval,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
)
from services.review_queue.agreement.measures import (
    Ratings,
    by_label,
    by_pair,
    by_reviewer,
    overall,
    pairs,
)

MODELS = frozenset({"v1.0", "v1.1"})
EXPERTS = frozenset({"ada", "ben", "eva"})

# Ada and Ben share three reviews and differ once; Eva joins one; the model answered all but one.
UNITS: list[Ratings] = [
    {"ada": "APPROVED", "ben": "APPROVED", "v1.0": "APPROVED"},
    {"ada": "DENIED", "ben": "DENIED", "eva": "DENIED", "v1.0": "APPROVED"},
    {"ada": "DENIED", "ben": "APPROVED"},
    {"eva": "PENDING", "v1.1": "PENDING"},
    {"ben": "DENIED", "v1.1": "DENIED"},
]

labels = st.sampled_from(["APPROVED", "DENIED", "PENDING"])
raters = st.sampled_from(sorted(EXPERTS | MODELS))
many_units = st.lists(st.dictionaries(raters, labels), max_size=12)


def test_experts_are_compared_among_themselves_and_beside_it_with_the_model() -> None:
    found = overall(UNITS, models=MODELS)

    experts = [["APPROVED"] * 2, ["DENIED"] * 3, ["DENIED", "APPROVED"]]
    assert (found.experts.reviews, found.experts.pairs) == (3, 5)
    assert found.experts.raw == 4 / 5
    assert found.experts.kappa == fleiss_kappa(experts)
    assert found.experts.alpha == krippendorff_alpha(experts)

    with_model = [
        *[("APPROVED", "APPROVED")] * 2,
        *[("DENIED", "APPROVED")] * 3,
        ("PENDING", "PENDING"),
        ("DENIED", "DENIED"),
    ]
    assert (found.with_model.reviews, found.with_model.pairs) == (4, 7)
    assert found.with_model.raw == 4 / 7
    assert found.with_model.kappa == cohen_kappa(with_model)
    assert found.with_model.alpha == krippendorff_alpha(with_model)


def test_with_enough_reviews_alpha_has_an_interval() -> None:
    draw = random.Random(1)
    units = [
        {name: draw.choice(["A", "B"]) if draw.random() < 0.2 else truth for name in "abm"}
        for truth in "AB" * 50
    ]
    found = overall(units, models={"m"})

    for figures in (found.experts, found.with_model):
        assert figures.alpha is not None
        assert figures.interval is not None
        assert figures.interval[0] < figures.alpha < figures.interval[1]
    # Both experts of a review share the model's answer: the review is what was drawn, not the pair.
    assert found.with_model.pairs == 2 * found.with_model.reviews == 200
    assert found.with_model.interval == alpha_interval(
        [(unit[expert], unit["m"]) for expert in "ab"] for unit in units
    )


def test_a_reviewer_is_compared_with_all_other_experts_and_with_the_model() -> None:
    found = by_reviewer(UNITS, models=MODELS)

    assert list(found) == ["ada", "ben", "eva"]
    assert {
        name: (agreement.experts.reviews, agreement.experts.pairs, agreement.experts.raw)
        for name, agreement in found.items()
    } == {"ada": (3, 4, 3 / 4), "ben": (3, 4, 3 / 4), "eva": (1, 2, 1.0)}
    assert {
        name: (agreement.with_model.reviews, agreement.with_model.raw)
        for name, agreement in found.items()
    } == {"ada": (2, 1 / 2), "ben": (3, 2 / 3), "eva": (2, 1 / 2)}
    assert found["eva"].experts.kappa is None  # one label only


def test_each_two_experts_are_compared_and_each_with_each_version() -> None:
    found = by_pair(UNITS, models=MODELS)

    assert {names: (figures.reviews, figures.raw) for names, figures in found.experts.items()} == {
        ("ada", "ben"): (3, 2 / 3),
        ("ada", "eva"): (1, 1.0),
        ("ben", "eva"): (1, 1.0),
    }
    assert {
        names: (figures.reviews, figures.raw) for names, figures in found.with_model.items()
    } == {
        ("ada", "v1.0"): (2, 1 / 2),
        ("ben", "v1.0"): (2, 1 / 2),
        ("ben", "v1.1"): (1, 1.0),
        ("eva", "v1.0"): (1, 0.0),
        ("eva", "v1.1"): (1, 1.0),
    }
    # Ada APPROVED, DENIED, DENIED; Ben APPROVED, DENIED, APPROVED: 2/3 observed, 4/9 by chance.
    assert found.experts["ada", "ben"].kappa == pytest.approx((2 / 3 - 4 / 9) / (1 - 4 / 9))


def test_each_label_has_its_own_agreement() -> None:
    found = by_label(UNITS, models=MODELS)

    assert found.experts == {
        "APPROVED": SpecificAgreement(2 / 3, 2),
        "DENIED": SpecificAgreement(6 / 7, 4),
    }
    assert found.with_model == {
        "APPROVED": SpecificAgreement(4 / 7, 5),
        "DENIED": SpecificAgreement(2 / 5, 4),
        "PENDING": SpecificAgreement(1.0, 1),
    }


def test_pairs_are_what_the_left_said_and_the_right() -> None:
    assert pairs(UNITS, left={"ada"}, right={"ben"}) == [
        ("APPROVED", "APPROVED"),
        ("DENIED", "DENIED"),
        ("DENIED", "APPROVED"),
    ]
    assert pairs(UNITS, left={"eva"}, right=MODELS) == [
        ("DENIED", "APPROVED"),
        ("PENDING", "PENDING"),
    ]


def test_among_the_same_raters_each_two_stand_there_either_way() -> None:
    found = pairs(UNITS, left=EXPERTS, right=EXPERTS)

    assert len(found) == 2 * overall(UNITS, models=MODELS).experts.pairs
    assert sorted(found) == sorted((other, one) for one, other in found)
    assert found.count(("DENIED", "APPROVED")) == 1


@given(many_units)
def test_what_the_model_says_moves_nothing_among_experts(units: list[Ratings]) -> None:
    without = [{name: unit[name] for name in unit.keys() - MODELS} for unit in units]

    assert overall(units, models=MODELS).experts == overall(without, models=MODELS).experts
    assert by_pair(units, models=MODELS).experts == by_pair(without, models=MODELS).experts
    assert by_label(units, models=MODELS).experts == by_label(without, models=MODELS).experts


@given(many_units)
def test_models_are_not_compared_with_each_other(units: list[Ratings]) -> None:
    of_experts = sum(len(list(combinations(unit.keys() - MODELS, 2))) for unit in units)
    crossed = sum(len(unit.keys() - MODELS) * len(unit.keys() & MODELS) for unit in units)
    found = overall(units, models=MODELS)

    assert (found.experts.pairs, found.with_model.pairs) == (of_experts, crossed)


@given(many_units)
def test_the_parts_add_up_to_the_whole(units: list[Ratings]) -> None:
    whole = overall(units, models=MODELS)
    two, one = by_pair(units, models=MODELS), by_reviewer(units, models=MODELS)

    assert sum(found.pairs for found in two.experts.values()) == whole.experts.pairs
    assert sum(found.pairs for found in two.with_model.values()) == whole.with_model.pairs
    assert sum(found.experts.pairs for found in one.values()) == 2 * whole.experts.pairs
    assert sum(found.with_model.pairs for found in one.values()) == whole.with_model.pairs


@given(many_units)
def test_the_names_of_the_raters_do_not_matter(units: list[Ratings]) -> None:
    renamed = [{f"x-{name}": label for name, label in unit.items()} for unit in units]

    assert overall(renamed, models={f"x-{name}" for name in MODELS}) == overall(
        units, models=MODELS
    )


def test_of_nothing_nothing_is_said() -> None:
    found = overall([], models=MODELS)

    assert found.experts == found.with_model
    assert (found.experts.reviews, found.experts.raw, found.experts.alpha) == (0, None, None)
    assert by_reviewer([], models=MODELS) == {}
