"""Changing a decision that has left: by whom, how long, and what it leaves alone."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from services.review_queue.reviewing.corrections import NotTheirs
from services.review_queue.reviewing.opinions import Answer, Correction
from services.review_queue.reviewing.review import Shares
from shared.errors import Conflict, NotFound, Rejected
from shared.events import review_id_of
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

_ANSWERS = {answer.label: answer for answer in (APPROVED, DENIED, PENDING)}


def correction(label: str = "APPROVED", revision: int = 0, why: str = "records came") -> Correction:
    return Correction(replace(_ANSWERS[label], reasoning=f"now {label}"), why, revision)


async def test_a_correction_is_a_new_revision_and_overwrites_nothing(queue: Queue) -> None:
    await queue.decide("case-1", DENIED)
    await queue.settle()
    review_id = review_id_of("case-1")

    await queue.corrections.correct(review_id, correction(), by=actor("amara"))
    await queue.corrections.correct(review_id, correction("PENDING", 1), by=actor("amara"))

    events = (await queue.events())[2:]
    assert [(e.revision, e.supersedes_revision, e.label) for e in events] == [
        (1, 0, "APPROVED"),
        (2, 1, "PENDING"),
    ]
    assert {(e.corrected_by, e.why) for e in events} == {("amara", "records came")}
    detail = await queue.listing.detail(review_id)
    assert [opinion.label for opinion in detail.opinions] == ["DENIED"]
    assert [revision.label for revision in detail.corrections] == ["APPROVED", "PENDING"]


async def test_corrections_at_once_count_once(queue: Queue, second: Queue) -> None:
    await queue.decide("case-1")
    await queue.settle()

    found = await asyncio.gather(
        *(
            process.corrections.correct(review_id_of("case-1"), correction(), by=actor("amara"))
            for process in (queue, second)
            for _ in range(4)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(each, Conflict) for each in found) == 7
    assert len(await queue.fetch("SELECT 1 FROM review_queue.corrections")) == 1


async def test_corrections_that_are_refused(queue: Queue) -> None:
    review_id = review_id_of("case-1")
    correct = queue.corrections.correct
    await queue.decide("case-1", DENIED)

    with pytest.raises(NotFound):
        await correct("no-such-review", correction(), by=actor("amara"))
    with pytest.raises(Conflict, match="not completed"):
        await correct(review_id, correction(), by=actor("amara"))
    await queue.settle()
    with pytest.raises(NotTheirs):
        await correct(review_id, correction(), by=actor("bo"))
    with pytest.raises(Rejected, match="is no label"):
        await correct(review_id, Correction(Answer("PAID", "so"), "why", 0), by=actor("amara"))
    with pytest.raises(Conflict, match="revision 0"):
        await correct(review_id, correction(revision=1), by=actor("amara"))
    same = Correction(DENIED, "why", 0)
    with pytest.raises(Rejected, match="changes nothing"):
        await correct(review_id, same, by=actor("amara"))
    assert len(await queue.events()) == 2


@pytest.mark.parametrize("needed", ["reason_code", "criterion", "clinical_basis"])
async def test_a_correction_to_a_denial_needs_what_a_denial_needs(
    queue: Queue, needed: str
) -> None:
    await queue.decide("case-1", APPROVED)
    await queue.settle()
    without: dict[str, Any] = {needed: None}
    lacking = Correction(replace(DENIED, **without), "a rule was overlooked", 0)

    with pytest.raises(Rejected) as refused:
        await queue.corrections.correct(review_id_of("case-1"), lacking, by=actor())

    assert refused.value.field == needed


async def test_a_decision_is_corrected_within_its_time_only(queue: Queue) -> None:
    await queue.decide("case-1", DENIED)
    await queue.settle()
    await queue.forward(HOUR * 23.9)
    await queue.corrections.correct(review_id_of("case-1"), correction(), by=actor())
    await queue.forward(HOUR * 0.2)

    # The first correction does not prolong it.
    with pytest.raises(Conflict, match="24 hours"):
        await queue.corrections.correct(
            review_id_of("case-1"), correction("PENDING", 1), by=actor()
        )

    assert len(await queue.events()) == 3


async def test_of_two_who_agree_the_one_who_decided_corrects(queue: Queue) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1")
    await queue.answer("amara", DENIED)
    await queue.answer("bo", DENIED)
    await queue.settle()
    decision = (await queue.events())[1]
    assert decision.reviewer == "amara"

    with pytest.raises(NotTheirs):
        await queue.corrections.correct(review_id_of("case-1"), correction(), by=actor("bo"))
    await queue.corrections.correct(review_id_of("case-1"), correction(), by=actor("amara"))


async def test_the_final_word_is_what_is_corrected_also_if_it_came_first(queue: Queue) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1")
    handed_on, other = [lease_handle(await queue.lease(name), name) for name in ("amara", "bo")]
    await queue.assignments.escalate(handed_on, "I am not sure of the rule")
    await queue.assignments.submit(other, partly("30.00"))  # on the second seat
    await queue.settle()
    await said(queue, ("sam", partly("50.00")))  # on the first one
    completed, decision = await queue.events()
    assert (decision.reviewer, completed.approved_amount) == ("sam", 50.0)

    same = Correction(partly("50.00"), "nothing new", 0)
    with pytest.raises(Rejected, match="changes nothing"):
        await queue.corrections.correct(review_id_of("case-1"), same, by=actor("sam"))
    with pytest.raises(NotTheirs):
        await queue.corrections.correct(review_id_of("case-1"), correction(), by=actor("bo"))
    less = Correction(partly("30.00"), "the fee schedule says so", 0)
    event = await queue.corrections.correct(review_id_of("case-1"), less, by=actor("sam"))
    assert event.approved_amount == 30.0
