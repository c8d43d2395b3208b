"""How far those who judge the same cases agree: experts with experts, and beside it with the model.

The two are never mixed. Ratings count only if they are independent: given before the rater saw the
others' or the model's answer, and asked for whatever the others had said. The opinion of a reviewer
who was added because two disagreed is not: agreement would measure the rule that adds them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Generic, TypeVar

from services.review_queue.agreement.coefficients import (
    Interval,
    Labels,
    SpecificAgreement,
    alpha_interval,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    raw_agreement,
    specific_agreement,
)

Ratings = Mapping[str, str]  # of one review: the label that each rater gave
Pair = tuple[str, str]  # two raters' labels of the same review
Measurement = TypeVar("Measurement")


@dataclass(frozen=True)
class Agreement(Generic[Measurement]):
    """One measurement made twice: of experts with each other, and of experts with the model."""

    experts: Measurement
    with_model: Measurement


@dataclass(frozen=True)
class AgreementFigures:
    """Agreement, and how many reviews and pairs of ratings it rests on; None where undefined.

    `kappa` is Cohen's between two sides and Fleiss' among many. `interval`: of `alpha`, 95 %.
    """

    reviews: int
    pairs: int
    raw: float | None
    kappa: float | None
    alpha: float | None
    interval: Interval | None


def overall(units: Iterable[Ratings], *, models: AbstractSet[str]) -> Agreement[AgreementFigures]:
    """`models` are the raters that are model versions; all others are experts."""
    split = [_split(unit, models) for unit in units]
    return Agreement(
        _among([experts.values() for experts, _ in split]),
        _between([list(product(experts.values(), model.values())) for experts, model in split]),
    )


def by_reviewer(
    units: Iterable[Ratings], *, models: AbstractSet[str]
) -> dict[str, Agreement[AgreementFigures]]:
    """Each expert on the left, against all other experts and against the model."""
    others: dict[str, list[list[Pair]]] = defaultdict(list)
    model: dict[str, list[list[Pair]]] = defaultdict(list)
    for unit in units:
        experts, answers = _split(unit, models)
        for name, label in experts.items():
            others[name].append([(label, experts[other]) for other in experts if other != name])
            model[name].append([(label, answer) for answer in answers.values()])
    return {
        name: Agreement(_between(others[name]), _between(model[name])) for name in sorted(others)
    }


def by_pair(
    units: Iterable[Ratings], *, models: AbstractSet[str]
) -> Agreement[dict[tuple[str, str], AgreementFigures]]:
    """By the names of two experts in their order, and by those of an expert and a model version."""
    together: dict[tuple[str, str], list[list[Pair]]] = defaultdict(list)
    model: dict[tuple[str, str], list[list[Pair]]] = defaultdict(list)
    for unit in units:
        experts, answers = _split(unit, models)
        for one, other in combinations(sorted(experts), 2):
            together[one, other].append([(experts[one], experts[other])])
        for expert, version in product(experts, answers):
            model[expert, version].append([(experts[expert], answers[version])])
    return Agreement(
        {names: _between(together[names]) for names in sorted(together)},
        {names: _between(model[names]) for names in sorted(model)},
    )


def by_label(
    units: Iterable[Ratings], *, models: AbstractSet[str]
) -> Agreement[dict[str, SpecificAgreement]]:
    """Specific agreement; a label that is in no pair is absent."""
    split = [_split(unit, models) for unit in units]
    return Agreement(
        specific_agreement(experts.values() for experts, _ in split),
        specific_agreement(
            chain.from_iterable(
                product(experts.values(), model.values()) for experts, model in split
            )
        ),
    )


def pairs(
    units: Iterable[Ratings], *, left: AbstractSet[str], right: AbstractSet[str]
) -> list[Pair]:
    """What raters of the left said and others of the right: what a confusion is counted from.

    With the same raters on both sides each two of them stand there twice, once either way.
    """
    return [
        (unit[one], unit[other])
        for unit in units
        for one, other in product(unit, unit)
        if one != other and one in left and other in right
    ]


def _split(unit: Ratings, models: AbstractSet[str]) -> tuple[Ratings, Ratings]:
    experts = {rater: label for rater, label in unit.items() if rater not in models}
    return experts, {rater: label for rater, label in unit.items() if rater in models}


def _among(units: Iterable[Labels]) -> AgreementFigures:
    rated = [unit for unit in units if len(unit) > 1]
    return AgreementFigures(
        reviews=len(rated),
        pairs=sum(len(unit) * (len(unit) - 1) // 2 for unit in rated),
        raw=raw_agreement(rated),
        kappa=fleiss_kappa(rated),
        alpha=krippendorff_alpha(rated),
        interval=alpha_interval([unit] for unit in rated),
    )


def _between(reviews: Iterable[Collection[Pair]]) -> AgreementFigures:
    """Every pair is a unit of its own; only the interval knows which are of the same review."""
    compared = [review for review in reviews if review]
    rated = list(chain.from_iterable(compared))
    return AgreementFigures(
        reviews=len(compared),
        pairs=len(rated),
        raw=raw_agreement(rated),
        kappa=cohen_kappa(rated),
        alpha=krippendorff_alpha(rated),
        interval=alpha_interval(compared),
    )
