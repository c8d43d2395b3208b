"""For a share of the cases the model's answer waits until the reviewer has one of their own."""

from datetime import timedelta

import pytest

from services.review_queue.reviewing.assignments import LeaseHandle
from services.review_queue.reviewing.review import Shares
from shared.errors import Conflict, NotFound, Rejected
from tests.connected.review_queue.harness import APPROVED, DENIED, HOUR, Queue, actor, lease_handle


@pytest.fixture
def blind_queue(queue: Queue) -> Queue:
    """A queue in which every review is blind."""
    queue.shares = Shares(overlap=0.0, blind=1.0)
    return queue


async def test_the_answer_is_there_once_the_reviewer_has_their_own(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1")
    found = await queue.lease()
    assert (found.answer, found.reason, found.model_visible) == (None, None, False)

    await queue.assignments.commit(lease_handle(found), "APPROVED")

    (now,) = await queue.leasing.held("amara")
    assert now.label_before == "APPROVED"
    assert now.answer is not None
    assert (now.answer.label, now.reason) == ("DENIED", "adverse")
    assert now.token == found.token


async def test_both_answers_are_published(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.assignments.commit(held, "APPROVED")
    await queue.assignments.submit(held, DENIED)
    await queue.settle()

    completed, decision = await queue.events()
    (opinion,) = completed.opinions
    assert (opinion.label_before, opinion.label) == ("APPROVED", "DENIED")
    assert completed.model_visible is False
    assert decision.model_version == "adjudication-v1.0"  # they saw it before they decided


async def test_without_a_commitment_nobody_sees_the_model(
    blind_queue: Queue,
) -> None:
    queue = blind_queue
    await queue.decide("case-1", DENIED)
    await queue.settle()

    completed, decision = await queue.events()
    assert completed.opinions[0].label_before is None
    assert decision.model_version is None  # they never saw it


async def test_only_the_first_answer_counts(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.assignments.commit(held, "APPROVED")

    for label in ("DENIED", "APPROVED"):
        with pytest.raises(Conflict, match="committed to APPROVED"):
            await queue.assignments.commit(held, label)

    assert (await queue.leasing.held("amara"))[0].label_before == "APPROVED"


async def test_undo_does_not_take_the_commitment_back(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.assignments.commit(held, "APPROVED")
    await queue.assignments.submit(held, DENIED)

    again = await queue.assignments.undo(held)

    assert again.label_before == "APPROVED"
    with pytest.raises(Conflict, match="committed to APPROVED"):
        await queue.assignments.commit(lease_handle(again), "DENIED")
    await queue.assignments.submit(lease_handle(again), DENIED)
    await queue.settle()
    assert (await queue.events())[0].opinions[0].label_before == "APPROVED"


async def test_undo_of_what_was_not_committed_shows_nothing(blind_queue: Queue) -> None:
    queue = blind_queue
    again = await queue.assignments.undo(await queue.decide("case-1", DENIED))

    assert (again.answer, again.reason) == (None, None)


@pytest.mark.parametrize("how", ["expired", "released"])
async def test_who_gets_a_case_again_has_seen_its_answer(blind_queue: Queue, how: str) -> None:
    queue = blind_queue
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.assignments.commit(held, "APPROVED")
    if how == "expired":
        await queue.expire()
    else:
        await queue.assignments.release(held, "outside my field")
        await queue.forward(queue.assignments.limits.skip)

    again = await queue.lease()

    assert again.label_before == "APPROVED"
    assert again.answer is not None
    with pytest.raises(Conflict, match="committed to APPROVED"):
        await queue.assignments.commit(lease_handle(again), "DENIED")
    await queue.assignments.submit(lease_handle(again), DENIED)
    await queue.settle()
    assert (await queue.events())[0].opinions[0].label_before == "APPROVED"


async def test_each_reviewer_commits_separately(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1")
    await queue.assignments.commit(lease_handle(await queue.lease()), "APPROVED")
    await queue.expire()

    found = await queue.lease("bo")

    assert (found.label_before, found.answer) == (None, None)
    await queue.assignments.commit(lease_handle(found, "bo"), "DENIED")


async def test_a_commitment_is_fenced_like_everything_else(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1")
    held = lease_handle(await queue.lease())

    with pytest.raises(Conflict, match="token"):
        await queue.assignments.commit(
            LeaseHandle(held.assignment_id, actor(), held.token + 1), "DENIED"
        )
    with pytest.raises(NotFound):
        await queue.assignments.commit(
            LeaseHandle(held.assignment_id, actor("bo"), held.token), "DENIED"
        )
    with pytest.raises(Rejected, match="is no label"):
        await queue.assignments.commit(held, "PAID")
    assert (await queue.leasing.held("amara"))[0].label_before is None
    await queue.forward(HOUR)
    with pytest.raises(Conflict, match="expired"):
        await queue.assignments.commit(held, "DENIED")


async def test_a_commitment_can_not_be_undone(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.assignments.commit(held, "APPROVED")

    with pytest.raises(Conflict, match="not submitted"):
        await queue.assignments.undo(held)


async def test_there_is_no_own_answer_before_one_that_was_in_view(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())

    with pytest.raises(Conflict, match="not blind"):
        await queue.assignments.commit(held, "DENIED")
    await queue.assignments.submit(held, DENIED)
    await queue.settle()
    assert (await queue.events())[0].opinions[0].label_before is None


async def test_the_final_word_is_blind_too(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1")
    await queue.assignments.escalate(lease_handle(await queue.lease()), "beyond me")

    found = await queue.lease("sam")

    assert (found.kind, found.answer, found.reason) == ("final", None, None)


async def test_what_the_request_hides_stays_hidden(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1", model_visible=False)
    held = lease_handle(await queue.lease())

    await queue.assignments.commit(held, "APPROVED")

    (now,) = await queue.leasing.held("amara")
    assert (now.answer, now.reason) == (None, None)
    await queue.assignments.submit(held, APPROVED)
    await queue.settle()
    _, decision = await queue.events()
    assert decision.model_version is None


async def test_the_share_is_drawn_by_hash_and_apart_from_the_overlap(queue: Queue) -> None:
    queue.shares = Shares(overlap=0.5, blind=0.5)
    await queue.request(*(f"case-{number}" for number in range(400)))

    rows = await queue.fetch("SELECT count(*) FROM review_queue.reviews GROUP BY blind, wanted")

    assert len(rows) == 4
    assert all(65 <= row["count"] <= 140 for row in rows)  # 100 expected; 4 standard deviations


async def test_a_commitment_counts_from_its_own_time(blind_queue: Queue) -> None:
    queue = blind_queue
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.forward(timedelta(minutes=3))
    await queue.assignments.commit(held, "DENIED")

    (row,) = await queue.fetch(
        "SELECT committed_at - leased_at AS after FROM review_queue.assignments"
    )
    assert timedelta(minutes=3) <= row["after"] < timedelta(minutes=4)
