"""What pages read from their addresses: empty fields mean nothing, wrong ones are named."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from services.review_queue.agreement.ratings import RatingScope
from services.review_queue.api.queries import (
    AgreementQuery,
    AuditQuery,
    BrowsedSeatsQuery,
    Query,
    Search,
    WorkQuery,
)
from services.review_queue.reading.listing import Filters
from services.review_queue.web.navigation import address
from services.review_queue.web.page_queries import read
from shared.tasks import TASKS
from tests.support.builders.events import NOW


def test_a_form_sends_every_field_and_empty_ones_filter_nothing() -> None:
    query, problem = read(
        BrowsedSeatsQuery,
        {"task": "", "reason": " ", "priority": "", "amount_from": "", "order": ""},
    )

    assert (query, problem) == (BrowsedSeatsQuery(), "")
    assert query.filters(NOW) == Filters()


def test_everything_that_can_be_asked_of_a_list() -> None:
    query, problem = read(
        BrowsedSeatsQuery,
        {
            "task": "adjudication",
            "reason": "audit",
            "priority": "2",
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
        priority=2,
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
    query, problem = read(BrowsedSeatsQuery, {name: value, "kind": "final"})

    assert problem.startswith(f"{name.replace('_', ' ').capitalize()}: ")
    assert query == BrowsedSeatsQuery()


def test_every_field_that_is_wrong_has_its_sentence() -> None:
    _, problem = read(
        BrowsedSeatsQuery,
        {"state": "lost", "amount_from": "much", "amount_to": "90", "task": "astrology"},
    )

    assert problem == (
        "Task: no such task; tasks are " + ", ".join(sorted(TASKS)) + ". "
        "State: is none of the choices. Amount from: must be a number"
    )


def test_the_wait_of_a_list_counts_from_now_and_the_earlier_limit_holds() -> None:
    hour_ago, day_ago = NOW - timedelta(hours=1), NOW - timedelta(days=1)
    both = BrowsedSeatsQuery(waiting="1d", requested_before=hour_ago)
    reverse = BrowsedSeatsQuery(waiting="1h", requested_before=day_ago)

    assert both.filters(NOW).requested_before == day_ago
    assert reverse.filters(NOW).requested_before == day_ago


@pytest.mark.parametrize(
    ("fields", "backwards"),
    [
        ({}, False),
        ({"after": 5}, False),
        ({"before": 5}, True),
        ({"order": "newest"}, True),
        ({"order": "newest", "after": 5}, False),
        ({"order": "newest", "before": 5}, True),
    ],
)
def test_a_list_is_read_backwards_before_a_position_and_from_the_newest(
    fields: dict[str, Any], backwards: bool
) -> None:
    assert BrowsedSeatsQuery(**fields).backwards is backwards


def test_agreement_is_of_the_last_month_and_independent_unless_asked_otherwise() -> None:
    hour_ago = NOW - timedelta(hours=1)
    query, _ = read(AgreementQuery, {}, task="adjudication")

    assert query.scope(NOW) == RatingScope(
        "adjudication", NOW - timedelta(days=30), NOW, "independent"
    )
    asked = {"days": "7", "basis": "all", "until": hour_ago.isoformat()}
    query, _ = read(AgreementQuery, asked, task="adjudication")
    assert query.scope(NOW) == RatingScope(
        "adjudication", hour_ago - timedelta(days=7), hour_ago, "all"
    )


def test_own_work_is_of_the_last_day_unless_asked_otherwise() -> None:
    assert WorkQuery().start(NOW) == NOW - timedelta(days=1)
    assert WorkQuery(days="7").start(NOW) == NOW - timedelta(days=7)
    assert WorkQuery(days="7", since=NOW).start(NOW) == NOW


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (WorkQuery, {"before": "9999-12-31T23:59:59Z"}),
        (WorkQuery, {"before": "2026-01-01T00:00:00"}),  # of which zone?
        (WorkQuery, {"days": "4000"}),
        (AuditQuery, {"actor": "a\x00b"}),
        (AuditQuery, {"review_id": "a b"}),
    ],
)
def test_what_the_database_would_refuse_does_not_reach_it(
    kind: type[Query], params: dict[str, str]
) -> None:
    assert read(kind, params)[1]


@pytest.mark.parametrize("text", ["x" * 129, "a\x00b", "", " "])
def test_a_search_takes_the_whole_number_of_something(text: str) -> None:
    with pytest.raises(ValidationError):
        Search(text=text)


def test_an_address_keeps_what_is_asked_and_changes_what_is_said() -> None:
    asked = {"task": "adjudication", "reason": "", "after": "12", "text": "a&b ü"}

    assert address("/reviews", asked, after=None, before=7) == (
        "/reviews?task=adjudication&text=a%26b+%C3%BC&before=7"
    )
    assert address("/reviews", {"after": "12"}, after=None) == "/reviews"
