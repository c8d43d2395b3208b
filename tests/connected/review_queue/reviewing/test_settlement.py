import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from services.review_queue.reviewing.assignments import LeaseHandle, SubmittedOpinion
from services.review_queue.reviewing.opinions import Answer
from services.review_queue.reviewing.review import Assignment
from shared.errors import Conflict, NotFound, Rejected
from shared.events import Criterion, review_id_of
from tests.connected.review_queue.harness import (
    APPROVED,
    DENIED,
    Queue,
    actor,
    lease_handle,
    partly,
)


async def test_a_settled_review_publishes_label_and_decision_once(queue: Queue) -> None:
    await queue.decide("case-1", DENIED)

    assert await queue.settle() == 1
    assert await queue.settle() == 0

    completed, decision = await queue.events()
    assert (completed.review_id, completed.label) == (review_id_of("case-1"), "DENIED")
    assert (completed.reason, completed.inclusion_probability) == ("adverse", 0.25)
    (opinion,) = completed.opinions
    assert (opinion.reviewer, opinion.reason_code) == ("amara", "EXCLUDED")
    assert (decision.case_id, decision.decided_by, decision.reviewer) == (
        "case-1",
        "human",
        "amara",
    )
    assert (decision.route_reason, decision.inclusion_probability) == ("adverse", 0.25)


async def test_nothing_leaves_before_its_time(queue: Queue) -> None:
    await queue.decide("case-1")
    await queue.forward(queue.assignments.limits.undo / 2)

    assert await queue.settlement.settle() == 0
    assert await queue.events() == []


async def test_several_processes_settle_each_review_once(queue: Queue, second: Queue) -> None:
    names = [f"case-{number}" for number in range(250)]
    await queue.request(*names)
    for name in names:
        await queue.assignments.submit(lease_handle(await queue.lease(name), name), APPROVED)
    await queue.forward(queue.assignments.limits.undo)

    async def drain(process: Queue) -> int:
        done = 0
        while found := await process.settlement.settle():
            done += found
        return done

    assert sum(await asyncio.gather(drain(queue), drain(second))) == 250
    decided = [e.case_id for e in await queue.events() if e.type == "decisions.made.v1"]
    assert sorted(decided) == sorted(names)


async def test_criterion_and_amount_arrive(queue: Queue) -> None:
    criterion = Criterion(source="CHO", version="5", effective_date="2026-01-01", text="a rule")
    await queue.decide("case-1", replace(partly("31.50"), criterion=criterion))
    await queue.settle()

    completed, decision = await queue.events()
    assert completed.opinions[0].criterion == criterion
    assert completed.approved_amount == decision.approved_amount == 31.5


async def test_a_refused_answer_leaves_the_lease_as_it_was(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())

    for answer in (Answer("PAID", "so"), Answer("DENIED", "so", Decimal("1"))):
        with pytest.raises(Rejected):
            await queue.assignments.submit(held, answer)

    assert await queue.states() == {"case-1": "leased"}
    assert await queue.fetch("SELECT 1 FROM review_queue.opinions") == []
    await queue.assignments.submit(held, DENIED)


async def test_a_second_submit_counts_once_also_at_once(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())

    found = await asyncio.gather(
        *(queue.assignments.submit(held, APPROVED) for _ in range(6)), return_exceptions=True
    )

    assert sum(isinstance(each, SubmittedOpinion) for each in found) == 1
    assert sum(isinstance(each, Conflict) for each in found) == 5
    assert len(await queue.fetch("SELECT 1 FROM review_queue.opinions")) == 1


async def test_the_token_decides_and_so_does_the_name(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())

    with pytest.raises(Conflict, match="token"):
        await queue.assignments.submit(
            LeaseHandle(held.assignment_id, actor("amara"), held.token + 1), APPROVED
        )
    with pytest.raises(NotFound):
        await queue.assignments.submit(
            LeaseHandle(held.assignment_id, actor("bo"), held.token), APPROVED
        )
    assert await queue.states() == {"case-1": "leased"}


async def test_undo_gives_the_case_back_under_a_new_token(queue: Queue) -> None:
    old = await queue.decide("case-1", DENIED)

    again = await queue.assignments.undo(old)

    assert again.token > old.token
    assert await queue.states() == {"case-1": "leased"}
    assert await queue.settle() == 0
    with pytest.raises(Conflict, match="token"):
        await queue.assignments.submit(old, DENIED)
    await queue.assignments.submit(lease_handle(again), APPROVED)
    await queue.settle()
    completed, decision = await queue.events()
    assert completed.label == decision.label == "APPROVED"
    assert len(completed.opinions) == 1


async def test_undo_after_it_has_left_is_refused(queue: Queue) -> None:
    held = await queue.decide("case-1")
    await queue.forward(queue.assignments.limits.undo)

    with pytest.raises(Conflict, match="left"):
        await queue.assignments.undo(held)  # its time is over, though nothing has settled it yet
    await queue.settlement.settle()
    with pytest.raises(Conflict, match="left"):
        await queue.assignments.undo(held)
    assert await queue.states() == {"case-1": "completed"}


async def test_only_what_was_submitted_can_be_undone(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())

    with pytest.raises(Conflict, match="not submitted"):
        await queue.assignments.undo(held)


async def test_only_the_newest_token_undoes(queue: Queue) -> None:
    held = await queue.decide("case-1")

    with pytest.raises(Conflict, match="token"):
        await queue.assignments.undo(LeaseHandle(held.assignment_id, actor(), held.token + 1))
    with pytest.raises(NotFound):
        await queue.assignments.undo(LeaseHandle(held.assignment_id, actor("bo"), held.token))

    assert await queue.states() == {"case-1": "submitted"}


async def test_undo_and_settling_at_once_end_in_one_of_both(queue: Queue, second: Queue) -> None:
    names = [f"case-{number}" for number in range(20)]
    for name in names:
        held = await queue.decide(name)
        await queue.forward(queue.assignments.limits.undo - timedelta(milliseconds=2))

        undone, _ = await asyncio.gather(
            queue.assignments.undo(held), second.settlement.settle(), return_exceptions=True
        )

        if isinstance(undone, Assignment):
            assert (await queue.states())[name] == "leased"
            await queue.assignments.submit(lease_handle(undone), APPROVED)
        else:
            assert isinstance(undone, Conflict)
        await queue.settle()

    decided = [e.case_id for e in await queue.events() if e.type == "decisions.made.v1"]
    assert decided == names
