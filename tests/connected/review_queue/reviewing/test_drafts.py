"""What a reviewer has written outlives their page, their lease and the service, and then goes."""

import asyncio
from typing import Any

import pytest

from services.review_queue.reviewing.assignments import LeaseHandle
from services.review_queue.reviewing.review import Shares
from shared.errors import NotFound
from shared.storage.database import Connection
from tests.connected.review_queue.harness import APPROVED, DENIED, PENDING, Queue, lease_handle
from tests.support.patience import PATIENCE_SECONDS

WRITTEN = {"label": "DENIED", "reasoning": "a rule of the policy", "panels": ["policy", "codes"]}


async def drafted(queue: Queue, reviewer: str = "amara", **changes: Any) -> LeaseHandle:
    """Lease what is next and write something."""
    held = lease_handle(await queue.lease(reviewer), reviewer)
    await queue.assignments.save_draft(held.assignment_id, reviewer, {**WRITTEN, **changes})
    return held


async def somebody_waits(connection: Connection) -> None:
    """Return once another connection waits for a lock of this one."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await connection.fetchval(waiting):
            await asyncio.sleep(0.01)


async def test_a_draft_that_comes_while_its_review_completes_is_not_left_behind(
    queue: Queue, second: Queue
) -> None:
    await queue.request("case-1")
    lost = await drafted(queue, "amara")
    await queue.expire()
    await queue.answer("bo", APPROVED)
    await queue.forward(queue.assignments.limits.undo)
    async with queue.database.transaction() as connection:
        await connection.execute("SELECT FROM review_queue.reviews FOR UPDATE")
        saving = asyncio.create_task(
            second.assignments.save_draft(lost.assignment_id, "amara", {"reasoning": "late"})
        )
        await somebody_waits(connection)
        await connection.execute(
            "UPDATE review_queue.reviews "
            "SET label = 'APPROVED', deciding_seat = 1, completed_at = now()"
        )
        await connection.execute("DELETE FROM review_queue.drafts")

    with pytest.raises(NotFound):
        await saving
    assert await drafts(queue) == []


async def drafts(queue: Queue) -> list[str]:
    rows = await queue.fetch("SELECT reviewer FROM review_queue.drafts ORDER BY reviewer")
    return [row["reviewer"] for row in rows]


async def test_the_newest_draft_is_kept(queue: Queue) -> None:
    await queue.request("case-1")
    held = await drafted(queue)
    await queue.assignments.save_draft(held.assignment_id, "amara", {"reasoning": "a rule"})

    assert await queue.assignments.draft(held.assignment_id, "amara") == {"reasoning": "a rule"}


async def test_nothing_written_is_nothing(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())

    assert await queue.assignments.draft(held.assignment_id, "amara") is None


async def test_a_draft_survives_a_restart(queue: Queue, second: Queue) -> None:
    await queue.request("case-1")
    held = await drafted(queue)
    await queue.database.close()

    assert await second.assignments.draft(held.assignment_id, "amara") == WRITTEN


@pytest.mark.parametrize("how", ["expired", "released"])
async def test_a_draft_survives_the_lease(queue: Queue, how: str) -> None:
    await queue.request("case-1")
    held = await drafted(queue)
    if how == "expired":
        await queue.expire()
    else:
        await queue.assignments.release(held, "lunch")
        await queue.forward(queue.assignments.limits.skip)

    await queue.assignments.save_draft(
        held.assignment_id, "amara", {**WRITTEN, "reasoning": "more"}
    )
    again = await queue.lease()

    assert again.assignment_id != held.assignment_id
    found = await queue.assignments.draft(again.assignment_id, "amara")
    assert found == {**WRITTEN, "reasoning": "more"}


async def test_what_comes_late_from_an_earlier_lease_is_not_put_over_what_is_newer(
    queue: Queue,
) -> None:
    await queue.request("case-1")
    asleep = await drafted(queue)  # on a laptop that is closed
    await queue.expire()
    awake = await drafted(queue, reasoning="newer")

    with pytest.raises(NotFound):
        await queue.assignments.save_draft(asleep.assignment_id, "amara", {"reasoning": "older"})

    found = await queue.assignments.draft(awake.assignment_id, "amara")
    assert found == {**WRITTEN, "reasoning": "newer"}


async def test_a_draft_is_its_authors_own(queue: Queue) -> None:
    await queue.request("case-1")
    held = await drafted(queue)

    assert await queue.assignments.draft(held.assignment_id, "bo") is None
    with pytest.raises(NotFound):
        await queue.assignments.save_draft(held.assignment_id, "bo", WRITTEN)
    await queue.expire()
    other = await queue.lease("bo")
    assert await queue.assignments.draft(other.assignment_id, "bo") is None


async def test_a_draft_survives_undo_and_goes_when_the_opinion_settles(queue: Queue) -> None:
    await queue.request("case-1")
    held = await drafted(queue)
    await queue.assignments.submit(held, DENIED)
    assert await queue.assignments.draft(held.assignment_id, "amara") == WRITTEN
    with pytest.raises(NotFound):
        await queue.assignments.save_draft(held.assignment_id, "amara", {})

    again = lease_handle(await queue.assignments.undo(held))
    assert await queue.assignments.draft(again.assignment_id, "amara") == WRITTEN
    await queue.assignments.submit(again, DENIED)
    await queue.settle()

    assert await drafts(queue) == []


async def test_a_settled_opinions_draft_goes_and_the_others_stays(queue: Queue) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1")
    amara = await drafted(queue, "amara")
    await drafted(queue, "bo")
    await queue.assignments.submit(amara, DENIED)
    await queue.settle()

    assert await drafts(queue) == ["bo"]


async def test_nothing_is_left_of_a_completed_review(queue: Queue) -> None:
    await queue.request("case-1")
    lost = await drafted(queue, "amara")
    await queue.expire()
    escalated = await drafted(queue, "bo")
    await queue.assignments.escalate(escalated, "beyond me")
    await queue.assignments.submit(await drafted(queue, "sam"), PENDING)
    assert await drafts(queue) == ["amara", "bo", "sam"]

    await queue.settle()

    assert await drafts(queue) == []
    with pytest.raises(NotFound, match="decided"):
        await queue.assignments.save_draft(lost.assignment_id, "amara", WRITTEN)
    assert await drafts(queue) == []


async def test_whatever_was_typed_comes_back(queue: Queue) -> None:
    await queue.request("case-1")
    typed: dict[str, Any] = {
        "text": "zero \x00 byte, \ud800, \U0001f600",
        "nested": [1, 2.5, None, {"a": True}],
    }
    held = await drafted(queue, **typed)

    assert await queue.assignments.draft(held.assignment_id, "amara") == {**WRITTEN, **typed}


async def test_another_cases_draft_is_not_touched(queue: Queue) -> None:
    await queue.request("case-1", "case-2")
    first, second = await drafted(queue), await drafted(queue, reasoning="of the second")
    await queue.assignments.submit(first, APPROVED)
    await queue.settle()

    found = await queue.assignments.draft(second.assignment_id, "amara")
    assert found == {**WRITTEN, "reasoning": "of the second"}
