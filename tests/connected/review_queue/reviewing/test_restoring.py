"""A queue whose tables were restored from a backup: what it decided after that is decided still."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.cli.recovery import declare
from services.review_queue.app import take_over_steps
from services.review_queue.reviewing.opinions import Correction
from services.review_queue.reviewing.review import Shares
from shared.errors import Conflict
from shared.events import DecisionCorrected, DecisionMade, Event, ReviewCompleted, review_id_of
from shared.messaging.readers.spans import Span
from shared.messaging.recovery import Recovery
from shared.messaging.topics import create_topics
from shared.settings import engine_settings
from tests.connected.review_queue.harness import (
    APPROVED,
    DENIED,
    PENDING,
    Queue,
    actor,
    lease_handle,
    partly,
    running,
    said,
)
from tests.support.builders.events import case, claim_input, decision
from tests.support.builders.reviews import corrected
from tests.support.engines.lifecycle import fresh_database

CASE = "case-1"
REVIEW = review_id_of(CASE)
# Everything that a review consists of, once it is decided.
_OPINIONS = """
SELECT kind, o.reviewer, o.label, label_before, reasoning, reason_code, clinical_basis, criterion,
    approved_amount, panels, dwell_seconds, decided_at, simulated, seat = deciding_seat AS decides
FROM review_queue.opinions AS o JOIN review_queue.seats USING (review_id, seat)
JOIN review_queue.reviews USING (review_id) ORDER BY decided_at
"""
_REVIEWS = "SELECT case_id, blind, label, completed_at, content_sha256 FROM review_queue.reviews"
_CORRECTIONS = "SELECT * FROM review_queue.corrections ORDER BY revision"


@pytest.fixture
async def restored(engines: dict[str, str], queue: Queue) -> AsyncIterator[Queue]:
    """The queue with the tables of an old backup: nothing is in them."""
    async with fresh_database(engines["DATABASE_URL"]) as url, running(url) as found:
        found.shares = queue.shares
        yield found


def ours(events: Sequence[Event]) -> list[Any]:
    """What the queue reads again of what it has said."""
    return [each for each in events if isinstance(each, ReviewCompleted | DecisionCorrected)]


async def same_state(queue: Queue, restored: Queue) -> None:
    for query in (_OPINIONS, _REVIEWS, _CORRECTIONS):
        assert await restored.fetch(query) == await queue.fetch(query)
    assert await restored.fetch("SELECT * FROM review_queue.earlier_decisions") == []
    assert await restored.leasing.lease(actor("newcomer")) is None


async def agree_on(queue: Queue, restored: Queue) -> None:
    """Nothing that was said is refused, and nothing else is said now."""
    events = await queue.events()
    decisions = [each for each in events if isinstance(each, DecisionMade)]
    assert await restored.events() == decisions  # sent again, as it was
    reviews = [each for each in events if isinstance(each, ReviewCompleted)]
    corrections = [each for each in events if isinstance(each, DecisionCorrected)]
    for process in (queue, restored):
        await process.handlers.reviews_completed(reviews)
        await process.handlers.decisions_made(decisions)
        if corrections:
            await process.handlers.decisions_corrected(corrections)


@pytest.mark.parametrize("order", ["request first", "decision first"])
async def test_a_decision_and_its_corrections_are_as_they_were(
    order: str, queue: Queue, restored: Queue
) -> None:
    await queue.decide(CASE, partly("50.00"))
    await queue.settle()
    for revision, answer in enumerate((PENDING, DENIED)):
        change = Correction(answer, "records came", revision)
        await queue.corrections.correct(REVIEW, change, by=actor())

    if order == "request first":
        await restored.request(CASE)
    await restored.restoring.take(ours(await queue.events()))
    for _ in range(2):
        await restored.request(CASE)
        await restored.restoring.take(ours(await queue.events()))

    await same_state(queue, restored)
    await agree_on(queue, restored)
    assert [entry.action for entry in await restored.entries()] == ["restored"] * 3
    with pytest.raises(Conflict, match="revision 2"):
        await restored.corrections.correct(REVIEW, Correction(APPROVED, "so", 1), by=actor())


async def test_a_dispute_and_its_final_word_are_as_they_were(queue: Queue, restored: Queue) -> None:
    queue.shares = restored.shares = Shares(overlap=1.0, blind=1.0)
    await queue.request(CASE)
    held = lease_handle(await queue.lease("amara"))
    await queue.assignments.commit(held, "DENIED")
    await queue.assignments.submit(held, APPROVED, panels=("policy",))
    for each in (("bo", DENIED), ("cleo", PENDING), ("sam", PENDING)):
        await said(queue, each)

    await restored.request(CASE)
    await restored.restoring.take(ours(await queue.events()))

    await same_state(queue, restored)
    await agree_on(queue, restored)


async def test_what_a_backup_holds_of_the_work_gives_way_to_what_was_decided(
    queue: Queue, restored: Queue
) -> None:
    """One seat is leased in it, the other can still be undone: both were answered otherwise."""
    queue.shares = restored.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request(CASE)
    await said(queue, ("amara", DENIED), ("bo", APPROVED))
    await said(queue, ("cleo", DENIED))
    await restored.request(CASE)
    await restored.answer("amara", PENDING)
    await restored.lease("dan")
    await restored.forward(restored.assignments.limits.lease)

    await restored.restoring.take(ours(await queue.events()))
    assert await restored.settlement.settle() == await restored.settlement.expire() == 0

    await same_state(queue, restored)
    await agree_on(queue, restored)


async def test_an_escalated_seat_is_answered_by_the_senior_alone(
    queue: Queue, restored: Queue
) -> None:
    await queue.request(CASE)
    await queue.assignments.escalate(lease_handle(await queue.lease()), "unsure")
    await said(queue, ("sam", DENIED))
    await restored.request(CASE)

    await restored.restoring.take(ours(await queue.events()))

    await same_state(queue, restored)
    await agree_on(queue, restored)


async def test_what_is_not_as_it_was_requested_restores_nothing(
    queue: Queue, restored: Queue
) -> None:
    await queue.decide(CASE)
    await queue.settle()
    genuine = ours(await queue.events())[0]
    other = case(CASE, input=claim_input(billed_amount="9999.00"))
    for changes in ({"case": other}, {"reason": "audit"}, {"label": "APPROVED"}, {"opinions": ()}):
        await restored.restoring.take([genuine.model_copy(update=changes)])
        await restored.request(CASE)
        assert await restored.states() == {CASE: "queued"}
        await restored.fetch("DELETE FROM review_queue.earlier_decisions")


async def test_what_cannot_be_ours_hinders_nothing_else(queue: Queue, restored: Queue) -> None:
    await queue.decide(CASE)
    await queue.decide("other")
    await queue.settle()
    genuine, other = sorted(ours(await queue.events()), key=lambda event: event.case.case_id)
    (said_once,) = genuine.opinions
    unfit = (
        {"opinions": (said_once.model_copy(update={"reasoning": "a \0"}),)},
        {"opinions": (said_once, said_once.model_copy(update={"kind": "second"}))},
        {"label": "MAYBE", "opinions": (said_once.model_copy(update={"label": "MAYBE"}),)},
    )
    for changes in unfit:
        await restored.restoring.take([genuine.model_copy(update=changes)])
        await restored.request(CASE)
        assert await restored.states() == {CASE: "queued"}
        assert await restored.fetch("SELECT * FROM review_queue.earlier_decisions") == []
        await restored.fetch("TRUNCATE review_queue.reviews CASCADE")

    await restored.request("other")
    await restored.restoring.take([genuine.model_copy(update=unfit[0]), other])
    assert await restored.states() == {"other": "completed"}


async def test_only_what_was_declared_is_taken_over(
    engines: dict[str, str], queue: Queue, restored: Queue
) -> None:
    """A record that nobody has read yet when a process starts is no decision for that."""
    settings = engine_settings(engines)
    create_topics(settings.kafka_bootstrap)
    await queue.decide(CASE)
    await queue.settle()
    genuine = ours(await queue.events())[0]
    await restored.request(CASE)
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all") as producer:
        record = await producer.send_and_wait(
            genuine.type, genuine.model_dump_json().encode(), partition=0
        )

    def recovery() -> Recovery:
        return Recovery(restored.database, take_over_steps(restored.restoring, settings))

    await recovery().run()
    assert await restored.states() == {CASE: "queued"}

    span = Span(genuine.type, 0, record.offset, record.offset + 1)
    await declare(restored.database.url, {"review_queue": [span]})
    for _ in range(2):
        await recovery().run()
    await same_state(queue, restored)
    assert await restored.fetch("SELECT * FROM review_queue.recoveries") == []


async def test_a_correction_waits_for_those_before_it(queue: Queue, restored: Queue) -> None:
    await queue.decide(CASE)
    await queue.settle()
    for revision, answer in enumerate((PENDING, DENIED)):
        change = Correction(answer, "records came", revision)
        await queue.corrections.correct(REVIEW, change, by=actor())
    completed, first, second = ours(await queue.events())

    await restored.request(CASE)
    await restored.restoring.take([second])
    assert await restored.fetch(_CORRECTIONS) == []
    await restored.restoring.take([completed])
    await restored.restoring.take([first])

    await same_state(queue, restored)


async def test_what_others_say_on_our_topics_is_refused(queue: Queue) -> None:
    await queue.decide(CASE)
    await queue.settle()
    await queue.request("open")
    completed, made = await queue.events()
    refused: Sequence[tuple[Any, Event]] = (
        (queue.handlers.reviews_completed, completed.model_copy(update={"label": "APPROVED"})),
        (queue.handlers.decisions_made, made.model_copy(update={"label": "APPROVED"})),
        (queue.handlers.decisions_made, made.model_copy(update={"case_id": "open"})),
        (queue.handlers.decisions_made, made.model_copy(update={"case_id": "unknown"})),
        (queue.handlers.decisions_made, decision("open")),
        (queue.handlers.decisions_corrected, corrected(CASE)),
    )

    for handle, event in refused:
        with pytest.raises(Conflict):
            await handle([event])
    assert await queue.fetch("SELECT * FROM review_queue.history") == []


async def test_nobody_is_asked_about_what_a_model_decided(queue: Queue) -> None:
    await queue.handlers.decisions_made([decision(CASE)])

    with pytest.raises(Conflict, match="a model has decided"):
        await queue.request(CASE)
    assert await queue.states() == {}
