"""What the queue shows of itself: counts, pages of seats, search, one review with everything."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.review_queue.reading.listing import Filters, ListedSeat, Listing
from services.review_queue.reviewing.review import Shares
from shared.errors import NotFound
from shared.events import review_id_of
from tests.connected.review_queue.harness import APPROVED, DENIED, Queue, actor, lease_handle
from tests.support.builders.events import NOW, case, claim_input
from tests.support.builders.requests import requested


async def test_counts_by_task_reason_kind_and_state(queue: Queue) -> None:
    await queue.decide("done", APPROVED)
    await queue.settle()
    await queue.decide("submitted", DENIED)
    await queue.request("a", "b", "c")
    await queue.request("d", reason="low_confidence")
    await queue.lease()
    await queue.assignments.escalate(lease_handle(await queue.lease()), "beyond me")

    counts = await queue.listing.counts()

    assert [(c.reason, c.kind, c.state, c.seats) for c in counts] == [
        ("adverse", "final", "queued", 1),
        ("adverse", "first", "answered", 1),
        ("adverse", "first", "leased", 1),
        ("adverse", "first", "queued", 1),
        ("adverse", "first", "submitted", 1),
        ("low_confidence", "first", "queued", 1),
    ]
    assert {c.task for c in counts} == {"adjudication"}


async def test_a_reason_that_is_hidden_is_neither_counted_nor_listed(queue: Queue) -> None:
    """Whoever leases a case sees which count goes down."""
    queue.shares = Shares(overlap=0.0, blind=1.0)
    await queue.request("a", reason="audit")
    await queue.request("b", reason="adverse")
    await queue.request("c", model_visible=False)

    assert [(c.reason, c.seats) for c in await queue.listing.counts()] == [("blind", 3)]
    found = await queue.listing.page(Filters(), limit=10)
    assert {(seat.reason, seat.priority) for seat in found} == {("blind", 2)}
    assert await queue.listing.page(Filters(reason="audit"), limit=10) == []


async def test_both_seats_of_an_overlapping_review_are_counted(queue: Queue) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("a")

    counts = await queue.listing.counts()

    assert [(c.kind, c.state, c.seats) for c in counts] == [
        ("first", "queued", 1),
        ("second", "queued", 1),
    ]


async def test_what_was_done_long_ago_is_not_counted(queue: Queue) -> None:
    await queue.decide("done", APPROVED)
    await queue.settle()
    await queue.forward(timedelta(hours=25))

    assert await queue.listing.counts() == []


async def pages(queue: Queue, filters: Filters, *, limit: int) -> list[ListedSeat]:
    """All pages, one behind the other."""
    found: list[ListedSeat] = []
    while page := await queue.listing.page(
        filters, after=found[-1].position if found else 0, limit=limit
    ):
        assert len(page) <= limit
        found += page
    return found


async def test_pages_follow_each_other_without_gaps(queue: Queue) -> None:
    names = [f"case-{number:02}" for number in range(25)]
    for name in names:
        await queue.request(name)

    found = await pages(queue, Filters(), limit=10)

    assert [seat.case_id for seat in found] == names


async def test_pages_have_no_gaps_while_reviewers_work_and_cases_come(queue: Queue) -> None:
    await queue.request(*(f"case-{number:02}" for number in range(20)))
    found: list[ListedSeat] = []
    for step in range(9):
        found += await queue.listing.page(
            Filters(), after=found[-1].position if found else 0, limit=4
        )
        await queue.answer(f"reviewer-{step}", APPROVED)
        await queue.request(f"late-{step}")
        await queue.settle()

    seen = Counter(seat.case_id for seat in found)
    assert set(seen.values()) == {1}
    assert set(seen) >= {f"case-{number:02}" for number in range(20)}


# What a seat of `various` has, by case: what tells it apart from the others.
SEATS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sure": {"reason": "low_confidence"},
    "again": {"priority": 1},
    "dear": {"amount": Decimal("900.00")},
    "cheap": {"amount": Decimal("0.50")},
    "early": {"requested_at": NOW - timedelta(hours=30)},
    "held": {"state": "leased", "reviewer": "bo"},
    "escalated": {"kind": "final"},
    "other": {"task": "independent_review", "amount": None},
}
_USUAL = {
    "task": "adjudication",
    "reason": "adverse",
    "priority": 2,
    "kind": "first",
    "state": "queued",
    "amount": Decimal("118.00"),
    "requested_at": NOW,
    "reviewer": None,
}


@pytest.fixture
async def various(queue: Queue) -> Mapping[str, ListedSeat]:
    """A queue with seats that differ in one thing each, listed by case."""
    await queue.request("held")
    await queue.lease("bo")
    await queue.request("escalated")
    await queue.assignments.escalate(lease_handle(await queue.lease("amara")), "beyond me")
    for name in ("dear", "cheap"):
        billed = claim_input(billed_amount=str(SEATS[name]["amount"]))
        await queue.request(name, case=case(name, input=billed))
    await queue.request("plain")
    await queue.request("sure", reason="low_confidence")
    await queue.request("again", case=case("again", attempt=2))
    await queue.request("early", occurred_at=SEATS["early"]["requested_at"])
    await queue.handlers.reviews_requested([another_task("other")])
    return {seat.case_id: seat for seat in await pages(queue, Filters(), limit=50)}


def another_task(name: str) -> Any:
    from shared.tasks import TASKS

    task = TASKS["independent_review"]
    content = task.validate(task.examples[0]).model_dump(mode="json")
    return requested(name, case=case(name, task=task.name, input=content), answer=None)


def test_a_seat_tells_what_it_is(various: Mapping[str, ListedSeat]) -> None:
    for name, differs in SEATS.items():
        shown = {field: getattr(various[name], field) for field in _USUAL}
        assert shown == {**_USUAL, **differs}, name


FILTERS: dict[str, tuple[Filters, set[str]]] = {
    "nothing": (Filters(), set(SEATS)),
    "task": (Filters(task="independent_review"), {"other"}),
    "reason": (Filters(reason="low_confidence"), {"sure"}),
    "priority": (Filters(priority=1), {"again"}),
    "kind": (Filters(kind="final"), {"escalated"}),
    "state": (Filters(state="leased"), {"held"}),
    "amount from": (Filters(amount_from=Decimal("900.00")), {"dear"}),
    "amount to": (Filters(amount_to=Decimal("0.50")), {"cheap"}),
    "amount between": (
        Filters(amount_from=Decimal("0.51"), amount_to=Decimal("118.00")),
        {"plain", "sure", "again", "early", "held", "escalated"},
    ),
    "age": (Filters(requested_before=NOW), {"early"}),
    "age, not yet": (Filters(requested_before=NOW - timedelta(hours=30)), set()),
    "task and state": (
        Filters(task="adjudication", state="queued"),
        set(SEATS) - {"held", "other"},
    ),
    "reason and priority": (Filters(reason="low_confidence", priority=1), set()),
    "kind, state and amount": (
        Filters(kind="first", state="queued", amount_from=Decimal(100)),
        {"plain", "sure", "again", "dear", "early"},
    ),
    "all of them": (
        Filters(
            task="adjudication",
            reason="low_confidence",
            priority=2,
            kind="first",
            state="queued",
            amount_from=Decimal(118),
            amount_to=Decimal(118),
            requested_before=NOW + timedelta(seconds=1),
        ),
        {"sure"},
    ),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_pages_are_filtered(
    queue: Queue, various: Mapping[str, ListedSeat], name: str
) -> None:
    filters, expected = FILTERS[name]

    found = await pages(queue, filters, limit=2)

    assert {seat.case_id for seat in found} == expected
    assert len(found) == len(expected)


async def test_seats_of_a_completed_review_are_listed_with_its_label(queue: Queue) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1")
    for name in ("amara", "bo"):
        await queue.answer(name, DENIED)
    await queue.settle()

    found = await queue.listing.page(Filters(state="answered"), after=0, limit=10)

    assert [(seat.seat, seat.kind, seat.reviewer, seat.label) for seat in found] == [
        (1, "first", "amara", "DENIED"),
        (2, "second", "bo", "DENIED"),
    ]
    assert all(seat.completed_at for seat in found)


async def test_a_lost_lease_does_not_list_a_seat_twice(queue: Queue) -> None:
    await queue.request("case-1")
    for name in ("amara", "bo"):
        await queue.lease(name)
        await queue.expire()
    await queue.answer("cleo", APPROVED)

    (seat,) = await queue.listing.page(Filters(), after=0, limit=10)

    assert seat.reviewer == "cleo"


async def test_search_finds_by_case_claim_member_and_review(queue: Queue) -> None:
    first = case("case-1", claim_id="C-77", group_id="member:M-5")
    second = case("case-2", claim_id="C-77", attempt=2, group_id="member:M-5")
    stray = case("case-3", claim_id="C-78", group_id="claim:C-78")
    for each in (first, second, stray):
        await queue.request(each.case_id, case=each)

    async def names(text: str) -> list[str]:
        return [found.case_id for found in await queue.listing.search(text)]

    assert await names("case-1") == ["case-1"]
    assert await names("C-77") == ["case-2", "case-1"]  # the newest first
    assert await names("M-5") == await names("member:M-5") == ["case-2", "case-1"]
    assert await names("C-78") == ["case-3"]
    assert await names(review_id_of("case-3")) == ["case-3"]
    for nothing in ("M-", "case", "%", "member:", "' OR true --"):
        assert await names(nothing) == []


async def test_search_shows_a_review_once_however_many_seats_it_has(queue: Queue) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1")
    await queue.answer("amara", DENIED)

    (found,) = await queue.listing.search("case-1")

    assert (found.label, found.completed_at) == (None, None)
    await queue.answer("bo", DENIED)
    await queue.settle()
    (found,) = await queue.listing.search("case-1")
    assert (found.label, found.state) == ("DENIED", "answered")


async def test_a_review_with_everything_that_was_said(queue: Queue) -> None:
    await queue.request("case-1")
    before = await queue.listing.detail(review_id_of("case-1"))
    held = lease_handle(await queue.lease())
    await queue.notes.write(review_id_of("case-1"), "the second page is missing", by=actor())
    await queue.assignments.submit(held, APPROVED)
    after = await queue.listing.detail(review_id_of("case-1"))

    assert (before.states, before.opinions, before.notes) == (("queued",), (), ())
    assert (after.states, [said.label for said in after.opinions]) == (("submitted",), ["APPROVED"])
    assert [(note.author, note.text) for note in after.notes] == [
        ("amara", "the second page is missing")
    ]
    with pytest.raises(NotFound):
        await queue.listing.detail("no-such-review")


async def test_counts_last_a_second_however_many_ask(queue: Queue) -> None:
    now = 0.0
    listing = Listing(queue.database, clock=lambda: now)
    await queue.request("a")
    first = await listing.counts()
    await queue.request("b")

    assert await listing.counts() == first
    now = 1.0
    assert [count.seats for count in await listing.counts()] == [2]


@pytest.mark.parametrize(
    ("column", "index"),
    [
        ("case_id", "reviews_case_id_key"),
        ("claim_id", "reviews_of_claim"),
        ("group_id", "reviews_of_group"),
    ],
)
async def test_search_goes_by_indexes(queue: Queue, column: str, index: str) -> None:
    await queue.request(*(f"case-{n}" for n in range(300)))
    await queue.fetch("ANALYZE review_queue.reviews")

    rows = await queue.fetch(
        f"EXPLAIN SELECT review_id FROM review_queue.reviews WHERE {column} = 'x'"
    )

    assert index in "\n".join(str(row["QUERY PLAN"]) for row in rows)
