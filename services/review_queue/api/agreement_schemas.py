"""Statistics as the HTTP API gives them: every number beside what it rests on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from pydantic import BaseModel

from services.review_queue.agreement.coefficients import Interval, SpecificAgreement
from services.review_queue.agreement.confusion import Confusion
from services.review_queue.agreement.measures import Agreement, AgreementFigures
from services.review_queue.agreement.ratings import (
    Basis,
    OwnDecision,
    Pace,
    RatingScope,
    shown_name,
)
from services.review_queue.agreement.report import AgreementReport, RatedReviews, has_enough_reviews


class FiguresView(BaseModel):
    """Agreement on `reviews` and `pairs` of answers; null where it is undefined.

    `kappa` is Cohen's between two sides, Fleiss' among many; `alpha` Krippendorff's, with its 95 %
    interval. `enough`: the coefficients rest on 30 reviews or more.
    """

    reviews: int
    pairs: int
    raw: float | None
    kappa: float | None
    alpha: float | None
    alpha_interval: Interval | None
    enough: bool

    @classmethod
    def of(cls, figures: AgreementFigures) -> Self:
        return cls(
            reviews=figures.reviews,
            pairs=figures.pairs,
            raw=figures.raw,
            kappa=figures.kappa,
            alpha=figures.alpha,
            alpha_interval=figures.interval,
            enough=has_enough_reviews(figures),
        )


class BothFigures(BaseModel):
    """Experts with experts, and experts with the model."""

    experts: FiguresView
    with_model: FiguresView

    @classmethod
    def of(cls, figures: Agreement[AgreementFigures]) -> Self:
        return cls(
            experts=FiguresView.of(figures.experts), with_model=FiguresView.of(figures.with_model)
        )


class PairFigures(BaseModel):
    """Two reviewers, or a reviewer and a model version."""

    one: str
    other: str
    figures: FiguresView


class LabelFigures(BaseModel):
    """If one gives the label, the probability that another does; null where nobody gave it."""

    label: str
    experts: float | None
    experts_pairs: int
    with_model: float | None
    with_model_pairs: int


class ConfusionView(BaseModel):
    """`counts[row][column]` of the pairs in which one gave the row's label, one the column's."""

    rows: str
    columns: str
    labels: list[str]
    counts: list[list[int]]


class AgreementView(BaseModel):
    """How far those who answered the same reviews agree. `cut`: the oldest were left out."""

    task: str
    since: datetime
    until: datetime
    basis: Basis
    cut: bool
    overall: BothFigures
    reviewers: dict[str, BothFigures]
    expert_pairs: list[PairFigures]
    model_pairs: list[PairFigures]
    labels: list[LabelFigures]
    experts_confusion: ConfusionView
    model_confusion: ConfusionView

    @classmethod
    def of(cls, scope: RatingScope, rated: RatedReviews, report: AgreementReport) -> Self:
        return cls(
            task=scope.task,
            since=scope.since,
            until=scope.until,
            basis=scope.basis,
            cut=rated.cut,
            overall=BothFigures.of(report.overall),
            reviewers={name: BothFigures.of(each) for name, each in report.reviewers.items()},
            expert_pairs=_pairs(report.pairs.experts.items()),
            model_pairs=_pairs(report.pairs.with_model.items()),
            labels=[
                _label(name, report.labels.experts.get(name), report.labels.with_model.get(name))
                for name in report.confusions.experts.labels
            ],
            experts_confusion=_confusion(report.confusions.experts),
            model_confusion=_confusion(report.confusions.with_model),
        )


class WorkPage(BaseModel):
    """The caller's decisions, the newest first. `before` continues with older ones."""

    decisions: list[OwnDecision]
    pace: Pace
    before: datetime | None


class OwnAgreement(BaseModel):
    """By task: how far the caller agrees with others who answered the same reviews."""

    tasks: dict[str, FiguresView]


def _pairs(pairs: Iterable[tuple[tuple[str, str], AgreementFigures]]) -> list[PairFigures]:
    return [
        PairFigures(one=one, other=shown_name(other), figures=FiguresView.of(figures))
        for (one, other), figures in pairs
    ]


def _label(
    label: str, experts: SpecificAgreement | None, with_model: SpecificAgreement | None
) -> LabelFigures:
    return LabelFigures(
        label=label,
        experts=experts.agreement if experts else None,
        experts_pairs=experts.pairs if experts else 0,
        with_model=with_model.agreement if with_model else None,
        with_model_pairs=with_model.pairs if with_model else 0,
    )


def _confusion(confusion: Confusion) -> ConfusionView:
    return ConfusionView(
        rows=confusion.rows,
        columns=confusion.columns,
        labels=list(confusion.labels),
        counts=[list(row) for row in confusion.counts],
    )
