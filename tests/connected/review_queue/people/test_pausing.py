"""Pausing a reviewer: what they hold goes to the others at once, and they get nothing more."""

import asyncio

import pytest

from shared.errors import Conflict, NotFound
from tests.connected.review_queue.harness import APPROVED, DENIED, Queue, actor, lease_handle
from tests.support.patience import PATIENCE_SECONDS

LEE = actor("lee")


@pytest.fixture
async def staffed(queue: Queue) -> Queue:
    await queue.employ("amara", "bo", "sam", "olga")
    return queue


async def test_what_a_paused_reviewer_holds_goes_to_others_at_once(staffed: Queue) -> None:
    queue = staffed
    await queue.request("case-1", "case-2", "case-3")
    leased = [await queue.lease() for _ in range(2)]
    held = [lease_handle(each) for each in leased]
    assert await queue.leasing.lease(actor("bo"))

    assert await queue.reviewers.pause("amara", "training day", by=LEE) == 2

    assert await queue.leasing.held("amara") == []
    assert len(await queue.leasing.held("bo")) == 1
    found = [await queue.lease("sam") for _ in range(2)]
    assert [each.request for each in found] == [each.request for each in leased]
    for act in (
        queue.assignments.submit(held[0], APPROVED),
        queue.assignments.heartbeat(held[1], opened=True),
        queue.assignments.release(held[1], "so"),
    ):
        with pytest.raises(Conflict, match=r"given back \(paused: training day\)"):
            await act


async def test_a_paused_reviewer_is_told_by_whom_and_why(staffed: Queue) -> None:
    queue = staffed
    await queue.request("case-1")
    await queue.reviewers.pause("amara", "training day", by=LEE)

    with pytest.raises(Conflict, match="lee paused you: training day"):
        await queue.leasing.lease(actor("amara"))

    assert await queue.states() == {"case-1": "queued"}
    assert await queue.leasing.lease(actor("bo"))


async def test_a_resumed_reviewer_works_again(staffed: Queue) -> None:
    queue = staffed
    await queue.request("case-1")
    await queue.reviewers.pause("amara", "training day", by=LEE)

    await queue.reviewers.resume("amara", by=LEE)

    assert (await queue.lease("amara")).request.case.case_id == "case-1"


async def test_a_pause_is_not_a_skip(staffed: Queue) -> None:
    queue = staffed
    await queue.request("skipped", "begun")
    await queue.assignments.release(lease_handle(await queue.lease("amara")), "outside my field")
    begun = await queue.lease("amara")
    await queue.reviewers.pause("amara", "the wrong name", by=LEE)
    await queue.reviewers.resume("amara", by=LEE)

    assert (await queue.lease("amara")).request == begun.request
    assert await queue.leasing.lease(actor("amara")) is None


async def test_what_a_paused_reviewer_has_submitted_still_counts(staffed: Queue) -> None:
    queue = staffed
    await queue.decide("case-1", DENIED)

    assert await queue.reviewers.pause("amara", "training day", by=LEE) == 0
    await queue.settle()

    assert await queue.states() == {"case-1": "completed"}


async def test_a_paused_reviewer_cannot_undo_either(staffed: Queue) -> None:
    queue = staffed
    held = await queue.decide("case-1", DENIED)
    await queue.reviewers.pause("amara", "training day", by=LEE)

    with pytest.raises(Conflict, match="lee paused you"):
        await queue.assignments.undo(held)

    assert await queue.states() == {"case-1": "submitted"}
    await queue.reviewers.resume("amara", by=LEE)
    await queue.assignments.undo(held)


async def test_no_lease_slips_in_beside_a_pause(staffed: Queue, second: Queue) -> None:
    queue = staffed
    await queue.request(*(f"case-{number}" for number in range(60)))

    for _ in range(15):
        await asyncio.gather(
            queue.leasing.lease(actor("amara")),
            second.leasing.lease(actor("amara")),
            second.reviewers.pause("amara", "racing", by=LEE),
            queue.leasing.lease(actor("amara")),
            return_exceptions=True,
        )
        assert await queue.leasing.held("amara") == []
        rows = await queue.fetch("SELECT 1 FROM review_queue.seats WHERE state = 'leased'")
        assert rows == []
        await queue.reviewers.resume("amara", by=LEE)


async def test_no_undo_slips_in_beside_a_pause(staffed: Queue, second: Queue) -> None:
    queue = staffed
    for number in range(10):
        held = await queue.decide(f"case-{number}", DENIED)
        await asyncio.gather(
            queue.assignments.undo(held),
            second.reviewers.pause("amara", "racing", by=LEE),
            return_exceptions=True,
        )
        assert await queue.leasing.held("amara") == []
        await queue.reviewers.resume("amara", by=LEE)
        while (left := await queue.leasing.lease(actor("bo"))) is not None:
            await queue.assignments.submit(lease_handle(left, "bo"), APPROVED)


async def test_only_who_works_can_be_paused_and_only_once(staffed: Queue) -> None:
    queue = staffed
    for name in ("nobody", "olga"):  # an operator reviews nothing
        with pytest.raises(NotFound):
            await queue.reviewers.pause(name, "so", by=LEE)
        with pytest.raises(NotFound):
            await queue.reviewers.resume(name, by=LEE)
    with pytest.raises(Conflict, match="not paused"):
        await queue.reviewers.resume("amara", by=LEE)
    await queue.reviewers.pause("amara", "training day", by=LEE)
    with pytest.raises(Conflict, match="paused already"):
        await queue.reviewers.pause("amara", "again", by=actor("lena", "lead"))
    (row,) = [row for row in await queue.reviewers.rows() if row.name == "amara"]
    assert (row.paused_by, row.paused_why) == ("lee", "training day")


async def test_many_refusals_at_once_do_not_use_up_the_connections(staffed: Queue) -> None:
    found = await asyncio.wait_for(
        asyncio.gather(
            *(staffed.reviewers.resume("amara", by=LEE) for _ in range(32)),
            return_exceptions=True,
        ),
        timeout=PATIENCE_SECONDS,
    )

    assert all(isinstance(each, Conflict) for each in found)


async def test_the_lead_sees_who_works_on_what(staffed: Queue) -> None:
    queue = staffed
    await queue.request("case-1", "case-2", "case-3")
    for _ in range(2):
        await queue.answer("amara", DENIED)
    await queue.lease("amara")
    await queue.reviewers.pause("bo", "on leave", by=LEE)

    rows = {row.name: row for row in await queue.reviewers.rows()}

    assert list(rows) == ["amara", "bo", "sam"]
    assert (rows["amara"].holds, rows["amara"].decided) == (1, 2)
    assert rows["amara"].median_seconds is not None
    assert rows["amara"].last_decided_at is not None
    assert (rows["bo"].holds, rows["bo"].decided, rows["bo"].paused_why) == (0, 0, "on leave")
    assert rows["sam"].median_seconds is None
