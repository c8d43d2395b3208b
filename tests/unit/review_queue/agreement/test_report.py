"""Agreement in all its cuts, as the API gives it."""

from datetime import UTC, datetime, timedelta

from services.review_queue.agreement.ratings import RatingScope, shown_name
from services.review_queue.agreement.report import ENOUGH_REVIEWS, RatedReviews, agreement_report
from services.review_queue.api.agreement_schemas import AgreementView

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LABELS = ("APPROVED", "DENIED", "PENDING")
MODEL = "model adjudication-v1.0"
UNITS = [
    {"amara": "APPROVED", "bo": "DENIED", MODEL: "DENIED"},
    {"bo": "DENIED", "cleo": "DENIED", MODEL: "DENIED"},
    {"amara": "APPROVED", MODEL: "APPROVED"},
]


def view(rated: RatedReviews) -> AgreementView:
    wanted = RatingScope("adjudication", NOW - timedelta(days=30), NOW)
    return AgreementView.of(wanted, rated, agreement_report(rated, labels=LABELS))


def test_every_cut_has_experts_beside_the_model() -> None:
    shown = view(RatedReviews(UNITS, frozenset({MODEL})))

    assert (shown.overall.experts.reviews, shown.overall.experts.raw) == (2, 0.5)
    assert (shown.overall.with_model.reviews, shown.overall.with_model.pairs) == (3, 5)
    assert list(shown.reviewers) == ["amara", "bo", "cleo"]
    assert shown.reviewers["bo"].experts.raw == 0.5
    assert shown.reviewers["bo"].with_model.raw == 1.0
    assert [(p.one, p.other) for p in shown.expert_pairs] == [("amara", "bo"), ("bo", "cleo")]
    assert {p.other for p in shown.model_pairs} == {"adjudication-v1.0"}
    assert [each.label for each in shown.labels] == list(LABELS)
    assert (shown.labels[2].experts, shown.labels[2].experts_pairs) == (None, 0)


def test_the_first_reviewer_stands_on_the_rows_and_each_pair_once() -> None:
    shown = view(RatedReviews(UNITS, frozenset({MODEL})))

    assert shown.experts_confusion.rows == "1st reviewer"
    assert shown.experts_confusion.counts == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert shown.model_confusion.counts == [[1, 1, 0], [0, 3, 0], [0, 0, 0]]


def test_few_reviews_are_not_enough() -> None:
    def has_enough_reviews(reviews: int) -> bool:
        return view(RatedReviews(UNITS[:1] * reviews, frozenset({MODEL}))).overall.experts.enough

    assert not has_enough_reviews(ENOUGH_REVIEWS - 1)
    assert has_enough_reviews(ENOUGH_REVIEWS)


def test_nothing_to_compare_is_no_number() -> None:
    figures = view(RatedReviews([], frozenset())).overall.experts

    assert (figures.reviews, figures.raw, figures.kappa, figures.alpha) == (0, None, None, None)
    assert figures.alpha_interval is None


def test_a_reviewer_and_a_version_of_the_same_name_are_two() -> None:
    shown = view(RatedReviews([{"v1": "DENIED", "model v1": "APPROVED"}], frozenset({"model v1"})))

    assert shown.overall.with_model.raw == 0.0
    assert (shown_name("model v1"), shown_name("v1")) == ("v1", "v1")
