"""Cases that somebody hands on: the final word is a senior's, who was not asked before."""

import asyncio

import pytest

from shared.errors import Conflict
from tests.connected.review_queue.harness import (
    APPROVED,
    DENIED,
    HOUR,
    PENDING,
    Queue,
    actor,
    lease_handle,
    said,
)


async def test_seniors_get_what_is_disputed_before_what_is_older(queue: Queue) -> None:
    await queue.request("disputed")
    await queue.assignments.escalate(lease_handle(await queue.lease()), "beyond me")
    await queue.request("again", occurred_at=(await queue.lease("sam")).request.occurred_at - HOUR)
    await queue.request("late")
    await queue.assignments.escalate(
        lease_handle(await queue.lease("bo", priority=2), "bo"), "beyond me too"
    )

    assert (await queue.lease("sofia")).kind == "final"
    assert (await queue.lease("sofia")).kind == "first"


async def test_an_escalated_case_goes_to_a_senior_and_never_back(queue: Queue) -> None:
    await queue.request("case-1")
    await queue.assignments.escalate(
        lease_handle(await queue.lease()), "the policy contradicts itself"
    )

    await queue.forward(HOUR * 24)
    for name in ("amara", "bo"):
        assert await queue.leasing.lease(actor(name)) is None
    found = await queue.lease("sam")
    assert (found.kind, found.opinions) == ("final", ())
    assert found.escalated_why == "the policy contradicts itself"
    await queue.assignments.submit(lease_handle(found, "sam"), DENIED)
    await queue.settle()
    completed, decision = await queue.events()
    assert decision.reviewer == "sam"
    assert [each.reviewer for each in completed.opinions] == ["sam"]


async def test_a_senior_who_escalates_leaves_it_to_another_one(queue: Queue) -> None:
    await queue.request("case-1")
    await queue.assignments.escalate(
        lease_handle(await queue.lease("sam"), "sam"), "I know the member"
    )

    assert await queue.leasing.lease(actor("sam")) is None
    found = lease_handle(await queue.lease("sofia"), "sofia")
    with pytest.raises(Conflict, match="final word is yours"):
        await queue.assignments.escalate(found, "me too")
    await queue.assignments.submit(found, DENIED)  # the lease is as it was


async def test_what_was_escalated_is_handed_on(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.assignments.escalate(held, "beyond me")

    for act in (
        queue.assignments.submit(held, APPROVED),
        queue.assignments.release(held, "again"),
        queue.assignments.escalate(held, "again"),
        queue.assignments.commit(held, "DENIED"),
    ):
        with pytest.raises(Conflict, match="handed on"):
            await act
    assert await queue.states() == {"case-1": "queued"}


async def test_the_final_word_overrules_two_who_agree(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")
    await queue.answer("amara", DENIED)
    await queue.assignments.escalate(
        lease_handle(await queue.lease("bo"), "bo"), "the note is ambiguous"
    )
    assert await queue.leasing.lease(actor("sam")) is None  # amara can still take hers back
    await queue.settle()

    found = await queue.lease("sam")
    assert [each.label for each in found.opinions] == ["DENIED"]
    await queue.assignments.submit(lease_handle(found, "sam"), APPROVED)
    await queue.settle()

    completed, decision = await queue.events()
    assert (completed.label, decision.reviewer) == ("APPROVED", "sam")
    assert [each.reviewer for each in completed.opinions] == ["amara", "sam"]


async def test_both_seats_can_be_escalated_and_one_final_word_is_asked_for(
    overlapping: Queue, second: Queue
) -> None:
    queue = overlapping
    await queue.request("case-1")
    held = [lease_handle(await queue.lease(name), name) for name in ("amara", "bo")]

    await asyncio.gather(
        queue.assignments.escalate(held[0], "the note is ambiguous"),
        second.assignments.escalate(held[1], "beyond me"),
    )

    await said(queue, ("sam", DENIED))
    completed, decision = await queue.events()
    assert (completed.label, decision.reviewer) == ("DENIED", "sam")
    assert [each.reviewer for each in completed.opinions] == ["sam"]


async def test_nobody_begins_what_could_not_change_the_final_word(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")

    await queue.assignments.escalate(lease_handle(await queue.lease()), "beyond me")

    assert await queue.leasing.lease(actor("bo")) is None
    assert sorted((await queue.states())["case-1"].split()) == ["queued", "withdrawn"]
    assert (await queue.lease("sam")).kind == "final"


async def test_who_has_begun_is_waited_for(overlapping: Queue) -> None:
    queue = overlapping
    await queue.request("case-1")
    bo = lease_handle(await queue.lease("bo"), "bo")
    await queue.assignments.escalate(lease_handle(await queue.lease()), "beyond me")
    assert await queue.leasing.lease(actor("sam")) is None

    await queue.assignments.submit(bo, DENIED)
    await queue.settle()

    assert [each.label for each in (await queue.lease("sam")).opinions] == ["DENIED"]


async def test_a_seat_that_is_given_back_after_an_escalation_is_asked_no_more(
    overlapping: Queue,
) -> None:
    queue = overlapping
    await queue.request("case-1")
    bo = lease_handle(await queue.lease("bo"), "bo")
    await queue.assignments.escalate(lease_handle(await queue.lease()), "beyond me")

    await queue.assignments.release(bo, "outside my field")

    assert await queue.settlement.withdraw() == 1
    assert (await queue.lease("sam")).kind == "final"


async def test_a_final_word_that_nobody_may_give_is_counted(overlapping: Queue) -> None:
    queue = overlapping
    await queue.employ("amara", "sam")
    await queue.request("case-1")
    await said(queue, ("sam", DENIED), ("bo", APPROVED))
    assert await queue.listing.count_stranded() == (0, 0)

    await said(queue, ("amara", PENDING))
    assert await queue.listing.count_stranded() == (
        0,
        1,
    )  # sam, the only senior, was one of the three

    await queue.employ("sofia")
    assert await queue.listing.count_stranded() == (0, 0)


async def test_an_opinion_that_nobody_may_give_is_counted(overlapping: Queue) -> None:
    queue = overlapping
    await queue.employ("amara", "bo")
    await queue.request("case-1")
    await said(queue, ("amara", DENIED))
    assert await queue.listing.count_stranded() == (0, 0)

    await said(queue, ("bo", APPROVED))
    assert await queue.listing.count_stranded() == (1, 0)

    await queue.employ("cleo", "sam")
    assert await queue.listing.count_stranded() == (0, 0)
