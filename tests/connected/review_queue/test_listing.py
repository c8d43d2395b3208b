from datetime import timedelta

import pytest

from services.review_queue.store import NotFound
from shared.events import review_id_of
from tests.connected.review_queue.queues import APPROVED, Queue, hold


async def test_counts_by_task_reason_and_state(queue: Queue) -> None:
    await queue.decide("done", APPROVED)
    await queue.settle()
    await queue.request("a", "b", "c")
    await queue.request("d", reason="audit")
    await queue.lease()

    counts = await queue.listing.counts()

    assert [(c.reason, c.state, c.reviews) for c in counts] == [
        ("adverse", "completed", 1),
        ("adverse", "leased", 1),
        ("adverse", "queued", 2),
        ("audit", "queued", 1),
    ]
    assert {c.task for c in counts} == {"adjudication"}


async def test_what_was_done_long_ago_is_not_counted(queue: Queue) -> None:
    await queue.decide("done", APPROVED)
    await queue.settle()
    await queue.forward(timedelta(hours=25))

    assert await queue.listing.counts() == []


async def test_pages_follow_each_other_without_gaps(queue: Queue) -> None:
    names = [f"case-{number:02}" for number in range(25)]
    for name in names:
        await queue.request(name)
    found, after = [], 0

    while page := await queue.listing.page(after=after, limit=10):
        found += [review.case_id for review in page]
        after = page[-1].position

    assert found == names


async def test_pages_are_filtered(queue: Queue) -> None:
    await queue.request("a", "b")
    await queue.request("c", reason="audit")
    await queue.lease("bo", priority=3)

    async def names(**wanted: str) -> list[str]:
        page = await queue.listing.page(after=0, limit=10, **wanted)  # type: ignore[arg-type]
        return [review.case_id for review in page]

    assert await names(state="queued") == ["a", "b"]
    assert await names(reason="audit", state="leased") == ["c"]
    assert await names(reason="audit", state="queued") == []
    assert await names(task="independent_review") == []
    (held,) = await queue.listing.page(after=0, limit=1, state="leased")
    assert (held.reviewer, held.priority) == ("bo", 3)


async def test_a_review_with_everything_that_was_said(queue: Queue) -> None:
    await queue.request("case-1")
    before = await queue.listing.detail(review_id_of("case-1"))
    await queue.store.submit(hold(await queue.lease()), APPROVED)
    after = await queue.listing.detail(review_id_of("case-1"))

    assert (before.state, before.opinions) == ("queued", ())
    assert (after.state, [said.label for said in after.opinions]) == ("submitted", ["APPROVED"])
    with pytest.raises(NotFound):
        await queue.listing.detail("no-such-review")
