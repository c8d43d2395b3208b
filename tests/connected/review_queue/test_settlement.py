import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from services.review_queue.opinions import Answer, Correction
from services.review_queue.reviews import Assignment
from services.review_queue.settlement import NotTheirs
from services.review_queue.store import Hold, NotFound, Submitted
from shared.errors import Conflict, Rejected
from shared.events import Criterion, review_id_of
from tests.connected.review_queue.queues import APPROVED, DENIED, Queue, hold


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
    await queue.forward(queue.store.limits.undo - timedelta(seconds=5))

    assert await queue.settlement.settle() == 0
    assert await queue.events() == []


async def test_several_processes_settle_each_review_once(queue: Queue, second: Queue) -> None:
    names = [f"case-{number}" for number in range(250)]
    await queue.request(*names)
    for name in names:
        await queue.store.submit(hold(await queue.lease(name), name), APPROVED)
    await queue.forward(queue.store.limits.undo)

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
    await queue.decide("case-1", Answer("APPROVED", "a part", Decimal("31.50"), None, criterion))
    await queue.settle()

    completed, decision = await queue.events()
    assert completed.opinions[0].criterion == criterion
    assert completed.approved_amount == decision.approved_amount == 31.5


async def test_a_refused_answer_leaves_the_lease_as_it_was(queue: Queue) -> None:
    await queue.request("case-1")
    held = hold(await queue.lease())

    for answer in (Answer("PAID", "so"), Answer("DENIED", "so", Decimal("1"))):
        with pytest.raises(Rejected):
            await queue.store.submit(held, answer)

    assert await queue.states() == {"case-1": "leased"}
    assert await queue.fetch("SELECT 1 FROM review_queue.opinions") == []
    await queue.store.submit(held, DENIED)


async def test_a_second_submit_counts_once_also_at_once(queue: Queue) -> None:
    await queue.request("case-1")
    held = hold(await queue.lease())

    found = await asyncio.gather(
        *(queue.store.submit(held, APPROVED) for _ in range(6)), return_exceptions=True
    )

    assert sum(isinstance(each, Submitted) for each in found) == 1
    assert sum(isinstance(each, Conflict) for each in found) == 5
    assert len(await queue.fetch("SELECT 1 FROM review_queue.opinions")) == 1


async def test_the_token_decides_and_so_does_the_name(queue: Queue) -> None:
    await queue.request("case-1")
    held = hold(await queue.lease())

    with pytest.raises(Conflict, match="token"):
        await queue.store.submit(Hold(held.assignment_id, "amara", held.token + 1), APPROVED)
    with pytest.raises(NotFound):
        await queue.store.submit(Hold(held.assignment_id, "bo", held.token), APPROVED)
    assert await queue.states() == {"case-1": "leased"}


async def test_undo_gives_the_case_back_under_a_new_token(queue: Queue) -> None:
    old = await queue.decide("case-1", DENIED)

    again = await queue.store.undo(old)

    assert again.token > old.token
    assert await queue.states() == {"case-1": "leased"}
    assert await queue.settle() == 0
    with pytest.raises(Conflict, match="token"):
        await queue.store.submit(old, DENIED)
    await queue.store.submit(hold(again), APPROVED)
    await queue.settle()
    completed, decision = await queue.events()
    assert completed.label == decision.label == "APPROVED"
    assert len(completed.opinions) == 1


async def test_undo_after_it_has_left_is_refused(queue: Queue) -> None:
    held = await queue.decide("case-1")
    await queue.forward(queue.store.limits.undo)

    with pytest.raises(Conflict, match="left"):
        await queue.store.undo(held)  # its time is over, though nothing has settled it yet
    await queue.settlement.settle()
    with pytest.raises(Conflict, match="left"):
        await queue.store.undo(held)
    assert await queue.states() == {"case-1": "completed"}


async def test_only_what_was_submitted_can_be_undone(queue: Queue) -> None:
    await queue.request("case-1")
    held = hold(await queue.lease())

    with pytest.raises(Conflict, match="not submitted"):
        await queue.store.undo(held)


async def test_undo_and_settling_at_once_end_in_one_of_both(queue: Queue, second: Queue) -> None:
    names = [f"case-{number}" for number in range(20)]
    for name in names:
        held = await queue.decide(name)
        await queue.forward(queue.store.limits.undo - timedelta(milliseconds=2))

        undone, _ = await asyncio.gather(
            queue.store.undo(held), second.settlement.settle(), return_exceptions=True
        )

        if isinstance(undone, Assignment):
            assert (await queue.states())[name] == "leased"
            await queue.store.submit(hold(undone), APPROVED)
        else:
            assert isinstance(undone, Conflict)
        await queue.settle()

    decided = [e.case_id for e in await queue.events() if e.type == "decisions.made.v1"]
    assert decided == names


def correction(label: str = "APPROVED", revision: int = 0, why: str = "records came") -> Correction:
    return Correction(Answer(label, f"now {label}"), why, revision)


async def test_a_correction_is_a_new_revision_and_overwrites_nothing(queue: Queue) -> None:
    await queue.decide("case-1", DENIED)
    await queue.settle()
    review_id = review_id_of("case-1")

    await queue.settlement.correct(review_id, correction(), by="amara")
    await queue.settlement.correct(review_id, correction("PENDING", 1), by="amara")

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
            process.settlement.correct(review_id_of("case-1"), correction(), by="amara")
            for process in (queue, second)
            for _ in range(4)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(each, Conflict) for each in found) == 7
    assert len(await queue.fetch("SELECT 1 FROM review_queue.corrections")) == 1


async def test_corrections_that_are_refused(queue: Queue) -> None:
    review_id = review_id_of("case-1")
    correct = queue.settlement.correct
    await queue.decide("case-1", DENIED)

    with pytest.raises(NotFound):
        await correct("no-such-review", correction(), by="amara")
    with pytest.raises(Conflict, match="not completed"):
        await correct(review_id, correction(), by="amara")
    await queue.settle()
    with pytest.raises(NotTheirs):
        await correct(review_id, correction(), by="bo")
    with pytest.raises(Rejected, match="not a label"):
        await correct(review_id, correction("PAID"), by="amara")
    with pytest.raises(Conflict, match="revision 0"):
        await correct(review_id, correction(revision=1), by="amara")
    same = Correction(Answer("DENIED", DENIED.reasoning), "why", 0)
    with pytest.raises(Rejected, match="changes nothing"):
        await correct(review_id, same, by="amara")
    assert len(await queue.events()) == 2
