import asyncio

import pytest

from shared.errors import Conflict
from tests.connected.review_queue.harness import Queue
from tests.support.builders.events import case, claim_input
from tests.support.builders.requests import requested


async def test_a_case_is_queued_once_however_often_it_comes(queue: Queue, second: Queue) -> None:
    names = [f"case-{number}" for number in range(100)]

    await queue.request("case-7", "case-7")
    await asyncio.gather(*(each.request(*names) for each in (queue, second) for _ in range(3)))

    assert await queue.states() == dict.fromkeys(names, "queued")
    assert len(await queue.fetch("SELECT 1 FROM review_queue.requests")) == 100


async def test_a_known_case_is_left_alone_in_every_state(queue: Queue) -> None:
    await queue.decide("case-1")
    await queue.settle()

    await queue.request("case-1", "case-2")

    assert await queue.states() == {"case-1": "completed", "case-2": "queued"}


async def test_the_same_case_with_other_content_is_refused(queue: Queue) -> None:
    await queue.request("case-1")
    other = case("case-1", input=claim_input(billed_amount="7.00"))

    with pytest.raises(Conflict, match="the case is in review with other content"):
        await queue.request("case-1", case=other)

    (row,) = await queue.fetch("SELECT body FROM review_queue.requests")
    assert "118.00" in row["body"]


async def test_one_bad_request_keeps_its_batch_out(queue: Queue) -> None:
    await queue.request("case-1")
    bad = requested("case-1", case=case("case-1", attempt=2))

    with pytest.raises(Conflict):
        await queue.handlers.reviews_requested([requested("case-2"), bad])

    assert await queue.states() == {"case-1": "queued"}


@pytest.mark.parametrize("changes", [{"review_id": "another"}, {"case": case("another")}])
async def test_one_review_a_case_and_one_case_a_review(
    queue: Queue, changes: dict[str, object]
) -> None:
    await queue.request("case-1")

    with pytest.raises(Conflict):
        await queue.request("case-1", **changes)

    assert await queue.states() == {"case-1": "queued"}


async def test_text_that_the_database_refuses_elsewhere_is_kept(queue: Queue) -> None:
    await queue.request(
        "case-1",
        routing_version="zero \x00 byte, \ud83d\ude00".encode("utf-16", "surrogatepass").decode(
            "utf-16"
        ),
    )

    assert "\x00" in (await queue.lease()).request.routing_version
