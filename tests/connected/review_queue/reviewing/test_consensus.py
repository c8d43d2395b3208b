"""Several reviewers a case: blind to each other, asked further until one opinion stands."""

import asyncio
from collections import Counter

import pytest

from services.review_queue.api.assignment_schemas import AssignmentView
from services.review_queue.reviewing.opinions import Answer
from services.review_queue.reviewing.review import Assignment, Shares
from tests.connected.review_queue.harness import (
    APPROVED,
    DENIED,
    HOUR,
    PENDING,
    Queue,
    actor,
    lease_handle,
    partly,
    said,
)


async def test_two_different_reviewers_are_asked_and_no_third(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")

    first = await queue.lease("amara")
    assert await queue.leasing.lease(actor("amara")) is None
    second = await queue.lease("bo")

    assert (first.kind, second.kind) == ("first", "second")
    assert first.request == second.request
    for name in ("cleo", "sam", "lee"):
        assert await queue.leasing.lease(actor(name)) is None


async def test_who_has_answered_never_gets_the_review_again(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")
    await queue.answer("amara", DENIED)

    assert await queue.leasing.lease(actor("amara")) is None
    await queue.settle()
    assert await queue.leasing.lease(actor("amara")) is None
    await queue.forward(HOUR * 24 * 30)
    assert await queue.leasing.lease(actor("amara")) is None
    assert (await queue.lease("bo")).kind == "second"


async def test_whose_lease_has_run_out_may_have_it_again(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")
    await queue.lease("amara")
    await queue.expire()

    assert (await queue.lease("amara")).request.case.case_id == "case-1"
    assert await queue.leasing.lease(actor("amara")) is None


async def test_many_reviewers_at_once_give_two_opinions_each_review(
    overlapping: Queue, second: Queue
) -> None:
    queue = overlapping
    names = [f"case-{number}" for number in range(60)]
    await queue.request(*names)

    async def work(number: int) -> None:
        process, reviewer = (queue, second)[number % 2], f"reviewer-{number}"
        while (found := await process.leasing.lease(actor(reviewer))) is not None:
            await process.assignments.submit(lease_handle(found, reviewer), APPROVED)

    await asyncio.gather(*map(work, range(12)))
    while await queue.settle():
        pass

    rows = await queue.fetch(
        "SELECT review_id, count(*) AS opinions, count(DISTINCT reviewer) AS reviewers "
        "FROM review_queue.opinions GROUP BY review_id"
    )
    assert [(row["opinions"], row["reviewers"]) for row in rows] == [(2, 2)] * 60
    assert await queue.states() == dict.fromkeys(names, "completed")
    assert Counter(event.type for event in await queue.events()) == {
        "reviews.completed.v1": 60,
        "decisions.made.v1": 60,
    }


def blind(assignment: Assignment) -> bool:
    view = AssignmentView.of(assignment, lease=HOUR)
    return assignment.opinions == () and view.opinions == [] and view.escalated_why is None


async def test_the_first_three_are_blind_to_each_other(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")

    for kind, reviewer, answer in [
        ("first", "amara", DENIED),
        ("second", "bo", PENDING),
        ("further", "cleo", APPROVED),
    ]:
        found = await queue.lease(reviewer)
        assert found.kind == kind
        assert blind(found)
        assert [blind(each) for each in await queue.leasing.held(reviewer)] == [True]
        await queue.assignments.submit(lease_handle(found, reviewer), answer)
        again = await queue.assignments.undo(lease_handle(found, reviewer))
        assert blind(again)
        await queue.assignments.submit(lease_handle(again, reviewer), answer)
        await queue.settle()


async def test_two_who_agree_settle_it(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")
    await said(queue, ("amara", DENIED))
    assert await queue.events() == []
    assert await queue.states() == {"case-1": "answered queued"}

    await said(queue, ("bo", DENIED))

    assert await queue.states() == {"case-1": "completed"}
    completed, decision = await queue.events()
    assert (completed.label, decision.label) == ("DENIED", "DENIED")
    assert [opinion.reviewer for opinion in completed.opinions] == ["amara", "bo"]
    assert decision.reviewer == "amara"
    assert await queue.settle() == 0
    assert len(await queue.events()) == 2


async def test_two_who_disagree_are_followed_by_a_third(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")
    await said(queue, ("amara", DENIED), ("bo", APPROVED))
    assert await queue.events() == []
    for name in ("amara", "bo"):
        assert await queue.leasing.lease(actor(name)) is None

    await said(queue, ("cleo", APPROVED))

    completed, decision = await queue.events()
    assert (completed.label, completed.reasoning) == ("APPROVED", APPROVED.reasoning)
    assert [(each.reviewer, each.label) for each in completed.opinions] == [
        ("amara", "DENIED"),
        ("bo", "APPROVED"),
        ("cleo", "APPROVED"),
    ]
    assert decision.reviewer == "bo"


@pytest.mark.parametrize("name", ["sam", "lee"])
async def test_three_who_differ_leave_the_final_word_to_a_senior(
    overlapping: Queue, name: str
) -> None:
    queue = overlapping
    await queue.request("case-1")
    await said(queue, ("amara", DENIED), ("bo", APPROVED))
    await said(queue, ("cleo", PENDING))
    assert await queue.leasing.lease(actor("dora")) is None  # one more adjudicator

    found = await queue.lease(name)

    assert found.kind == "final"
    assert [each.label for each in found.opinions] == ["DENIED", "APPROVED", "PENDING"]
    assert AssignmentView.of(found, lease=HOUR).opinions[0].criterion == DENIED.criterion
    assert "amara" not in AssignmentView.of(found, lease=HOUR).model_dump_json()
    await queue.assignments.submit(lease_handle(found, name), PENDING)
    await queue.settle()
    completed, decision = await queue.events()
    assert (decision.label, decision.reviewer) == ("PENDING", name)
    assert [each.reviewer for each in completed.opinions] == ["amara", "bo", "cleo", name]
    assert await queue.states() == {"case-1": "completed"}


async def test_a_senior_who_was_one_of_the_three_has_not_the_final_word(
    overlapping: Queue,
) -> None:
    queue = overlapping
    await queue.request("case-1")
    await said(queue, ("amara", DENIED), ("sam", APPROVED))
    await said(queue, ("cleo", PENDING))

    assert await queue.leasing.lease(actor("sam")) is None
    assert (await queue.lease("sofia")).kind == "final"


async def test_one_of_two_opinions_is_undone(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")
    amara = await queue.answer("amara", DENIED)
    await queue.answer("bo", APPROVED)

    again = lease_handle(await queue.assignments.undo(amara))
    await queue.settle()

    assert await queue.states() == {"case-1": "leased answered"}
    assert await queue.events() == []
    await queue.assignments.submit(again, APPROVED)
    await queue.settle()
    completed, _ = await queue.events()
    assert [(each.reviewer, each.label) for each in completed.opinions] == [
        ("amara", "APPROVED"),
        ("bo", "APPROVED"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (partly("50.00"), partly("50"), True),
        (partly("50.00"), partly("30.00"), False),
        (partly("50.00"), APPROVED, False),
        (DENIED, PENDING, False),
    ],
)
async def test_agreeing_is_label_and_amount(
    overlapping: Queue, one: Answer, other: Answer, agree: bool
) -> None:
    queue = overlapping
    await queue.request("case-1")

    await said(queue, ("amara", one), ("bo", other))

    assert await queue.states() == {"case-1": "completed" if agree else "answered answered queued"}


async def test_three_are_asked_at_once_where_the_overlap_is_three(queue: Queue) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0, opinions=3)
    await queue.request("case-1")
    held = [await queue.lease(name) for name in ("amara", "bo", "cleo")]
    assert [each.kind for each in held] == ["first", "second", "further"]
    assert all(blind(each) for each in held)
    assert await queue.leasing.lease(actor("dora")) is None

    for each, answer in zip(held, (DENIED, APPROVED, APPROVED), strict=True):
        name = {"first": "amara", "second": "bo", "further": "cleo"}[each.kind]
        await queue.assignments.submit(lease_handle(each, name), answer)
    await queue.settle()

    completed, decision = await queue.events()
    assert (completed.label, decision.reviewer, len(completed.opinions)) == ("APPROVED", "bo", 3)


async def test_two_of_three_agree_on_the_amount(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")
    await said(queue, ("amara", partly("50.00")), ("bo", partly("30.00")))
    await said(queue, ("cleo", partly("30.00")))

    completed, decision = await queue.events()
    assert completed.approved_amount == decision.approved_amount == 30.0
    assert decision.reviewer == "bo"


async def test_seats_of_one_review_settled_by_two_processes_conclude_once(
    overlapping: Queue, second: Queue
) -> None:
    queue = overlapping
    names = [f"case-{number}" for number in range(40)]
    await queue.request(*names)
    for name in ("amara", "bo"):
        for _ in names:
            await queue.answer(name, DENIED)
    await queue.forward(queue.assignments.limits.undo)

    while any(await asyncio.gather(queue.settlement.settle(), second.settlement.settle())):
        pass

    decided = [e.case_id for e in await queue.events() if e.type == "decisions.made.v1"]
    assert sorted(decided) == sorted(names)


async def test_the_share_that_two_see_is_drawn_by_hash(queue: Queue) -> None:
    queue.shares = Shares(overlap=0.3, blind=0.0)
    names = [f"case-{number}" for number in range(400)]
    await queue.request(*names)
    rows = await queue.fetch("SELECT review_id FROM review_queue.reviews WHERE wanted = 2")
    await queue.request(*names)

    assert 80 <= len(rows) <= 160  # 120 expected; 4.4 standard deviations
    again = await queue.fetch("SELECT review_id FROM review_queue.seats WHERE seat = 2")
    assert {row["review_id"] for row in again} == {row["review_id"] for row in rows}
