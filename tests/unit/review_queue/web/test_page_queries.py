"""What pages read from their addresses: empty fields mean nothing, wrong ones are named."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.review_queue.reading.listing import Filters
from services.review_queue.web.page_queries import (
    AgreementQuery,
    AuditQuery,
    SearchQuery,
    SeatsQuery,
    WorkQuery,
    address,
    read,
)
from tests.support.builders.events import NOW


def test_a_form_sends_every_field_and_empty_ones_filter_nothing() -> None:
    query, problem = read(
        SeatsQuery, {"task": "", "reason": " ", "priority": "", "amount_from": "", "order": ""}
    )

    assert (query, problem) == (SeatsQuery(), "")
    assert query.filters(NOW) == Filters()


def test_everything_that_can_be_asked_of_a_list() -> None:
    query, problem = read(
        SeatsQuery,
        {
            "task": "adjudication",
            "reason": "audit",
            "priority": "3",
            "kind": "final",
            "state": "queued",
            "waiting": "4h",
            "amount_from": "10.50",
            "amount_to": "900",
            "order": "newest",
            "before": "77",
        },
    )

    assert problem == ""
    assert query.filters(NOW) == Filters(
        task="adjudication",
        reason="audit",
        priority=3,
        kind="final",
        state="queued",
        amount_from=Decimal("10.50"),
        amount_to=Decimal(900),
        requested_before=NOW - timedelta(hours=4),
    )
    assert (query.order, query.before) == ("newest", 77)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task", "astrology"),
        ("reason", "because"),
        ("priority", "9"),
        ("state", "lost"),
        ("amount_from", "much"),
        ("amount_to", "-1"),
        ("amount_to", "NaN"),
        ("waiting", "2y"),
        ("after", "9" * 30),
    ],
)
def test_what_is_wrong_is_named_and_asks_for_nothing(name: str, value: str) -> None:
    query, problem = read(SeatsQuery, {name: value, "kind": "final"})

    assert problem.startswith(name.replace("_", " "))
    assert query == SeatsQuery()


def test_agreement_is_of_the_last_month_and_independent_unless_asked_otherwise() -> None:
    query, _ = read(AgreementQuery, {})

    assert (query.task, query.days, query.basis) == ("adjudication", "30", "independent")


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (WorkQuery, {"before": "9999-12-31T23:59:59Z"}),
        (WorkQuery, {"before": "2026-01-01T00:00:00"}),  # of which zone?
        (WorkQuery, {"days": "4000"}),
        (AuditQuery, {"actor": "a\x00b"}),
        (SearchQuery, {"text": "x" * 129}),
    ],
)
def test_what_the_database_would_refuse_does_not_reach_it(
    kind: type[WorkQuery] | type[AuditQuery] | type[SearchQuery], params: dict[str, str]
) -> None:
    assert read(kind, params)[1]


def test_an_address_keeps_what_is_asked_and_changes_what_is_said() -> None:
    asked = {"task": "adjudication", "reason": "", "after": "12", "text": "a&b ü"}

    assert address("/reviews", asked, after=None, before=7) == (
        "/reviews?task=adjudication&text=a%26b+%C3%BC&before=7"
    )
    assert address("/reviews", {"after": "12"}, after=None) == "/reviews"
