"""Agreement in all its cuts: over all, by reviewer, by pair, by label, and as confusions.

Experts with experts always stand beside experts with the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from services.review_queue.agreement.coefficients import SpecificAgreement
from services.review_queue.agreement.confusion import Confusion, confusion
from services.review_queue.agreement.measures import (
    Agreement,
    AgreementFigures,
    Ratings,
    by_label,
    by_pair,
    by_reviewer,
    overall,
    pairs,
)

# Below, a coefficient says more about the few cases than about the people.
ENOUGH_REVIEWS = 30


@dataclass(frozen=True)
class RatedReviews:
    """What was said of the same reviews: by experts in the order of their seats, and by models.

    `cut`: there were too many; the oldest were left out.
    """

    units: Sequence[Ratings]
    models: frozenset[str]
    cut: bool = False


@dataclass(frozen=True)
class AgreementReport:
    overall: Agreement[AgreementFigures]
    reviewers: Mapping[str, Agreement[AgreementFigures]]
    pairs: Agreement[dict[tuple[str, str], AgreementFigures]]
    labels: Agreement[dict[str, SpecificAgreement]]
    confusions: Agreement[Confusion]


def agreement_report(rated: RatedReviews, *, labels: Sequence[str]) -> AgreementReport:
    """`labels`: the task's, in its order."""
    units, models = rated.units, rated.models
    return AgreementReport(
        overall=overall(units, models=models),
        reviewers=by_reviewer(units, models=models),
        pairs=by_pair(units, models=models),
        labels=by_label(units, models=models),
        confusions=_confusions(rated, labels),
    )


def _confusions(rated: RatedReviews, labels: Sequence[str]) -> Agreement[Confusion]:
    units, models = rated.units, rated.models
    experts = frozenset(rater for unit in units for rater in unit) - models
    among = [
        (unit[one], unit[other])
        for unit in units
        for one, other in combinations([rater for rater in unit if rater in experts], 2)
    ]
    with_model = pairs(units, left=experts, right=models)
    return Agreement(
        confusion(among, labels=labels, rows="1st reviewer", columns="2nd reviewer"),
        confusion(with_model, labels=labels, rows="Reviewers", columns="The model"),
    )


def has_enough_reviews(figures: AgreementFigures) -> bool:
    return figures.reviews >= ENOUGH_REVIEWS
