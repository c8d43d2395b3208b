"""A filter whose tables were restored from a backup: what it routed after that keeps its route."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.cli.recovery import declare
from services.confidence_filter.app import take_over_steps
from shared.errors import Conflict
from shared.events import Case, DecisionMade, Event, PredictionMade, ReviewRequested
from shared.messaging.readers.spans import Span
from shared.messaging.recovery import Recovery
from shared.settings import EngineSettings
from tests.connected.confidence_filter.harness import Filter, further, of_claim, running
from tests.support.builders.events import answers, case, predicted, rollout, score
from tests.support.engines.lifecycle import fresh_database

# What is no event's to say, and the mark of what came from one.
_UNSAID = {"label_mass", "restored"}
_UNSAID_OF_A_DECISION = {*_UNSAID, "rollout_id", "rollout_revision", "draw_key"}
NOTHING_STANDS = rollout(revision=9, stopped=True)


@pytest.fixture
async def restored(engines: dict[str, str], one: Filter) -> AsyncIterator[Filter]:
    """The filter with the empty tables of an old backup; its task has been stopped since."""
    async with (
        fresh_database(engines["DATABASE_URL"]) as url,
        running(url, NOTHING_STANDS) as found,
    ):
        yield found


def unsure(case_id: str, confidence: float = 0.5) -> PredictionMade:
    return predicted(case_id, scores=(score(answers("APPROVED", confidence)),))


async def take_over(process: Filter, events: Sequence[Event]) -> None:
    """As the steps do it, but for Kafka."""
    requests = [event for event in events if isinstance(event, ReviewRequested)]
    await process.restoring.take_decisions([e for e in events if isinstance(e, DecisionMade)])
    await process.restoring.take_requests(requests)
    await process.restoring.take_repetitions(requests)


async def rows(process: Filter) -> dict[str, dict[str, Any]]:
    found = await process.fetch("SELECT * FROM confidence_filter.routings")
    return {row["case_id"]: row for row in found}


async def test_every_route_is_as_it_was_and_nothing_is_said_again(
    one: Filter, restored: Filter
) -> None:
    predictions = [
        of_claim("accepted", "CLM-1", member_id="M-1"),
        unsure("low"),
        of_claim("again", "CLM-1", member_id="M-1"),
        predicted("unscored", scores=(), failed_versions=("adjudication-v1.0",)),
        predicted("adverse", label="DENIED"),
        further(of_claim("second", "CLM-2", member_id="M-2"), attempt=2),
        further(of_claim("third", "CLM-2", member_id="M-2"), attempt=3),
    ]
    await one.take(*predictions)
    events = await one.events()

    for _ in range(2):
        await take_over(restored, list(reversed(events)))
    await restored.take(*predictions)

    before, after = await rows(one), await rows(restored)
    assert after.keys() == before.keys()
    for case_id, row in after.items():
        accepted = row["route"] == "accept"
        unsaid = _UNSAID_OF_A_DECISION if accepted else _UNSAID
        assert row["restored"]
        assert {row[name] for name in unsaid - {"restored"}} == {None}
        if case_id in ("second", "third"):  # which of them came first, nobody says
            unsaid = {*unsaid, "repeats_claim", "repeats_content"}
        assert _without(row, unsaid) == _without(before[case_id], unsaid)
    assert sorted(_repeats(after[name]) for name in ("second", "third")) == [False, True]
    assert await restored.sent() == []


def _repeats(row: dict[str, Any]) -> bool:
    return bool(row["repeats_claim"] or row["repeats_content"])


def _without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


async def test_what_came_first_stays_first(one: Filter, restored: Filter) -> None:
    """A claim that a model has decided, or people have, is no other case's to be accepted."""
    await one.take(of_claim("decided", "CLM-1", member_id="M-1"))
    await one.take(further(of_claim("late", "CLM-2", member_id="M-2"), attempt=2))
    await take_over(restored, await one.events())

    async with running(restored.database.url) as goes_on:
        await goes_on.take(
            of_claim("same-claim", "CLM-1", member_id="M-1"),
            of_claim("same-service", "CLM-3", member_id="M-1"),
            of_claim("first-attempt", "CLM-2", member_id="M-2"),
        )
        routes = await goes_on.routes()

    assert routes.pop("decided") == "confident"
    assert set(routes.values()) == {"repeated"}


@pytest.mark.parametrize(("confidence", "route"), [(0.99, "accept"), (0.5, "review")])
async def test_a_repetition_takes_no_first_place_from_what_it_repeats(
    one: Filter, restored: Filter, confidence: float, route: str
) -> None:
    """The repetition is read first: it lies on another partition."""
    scores = (score(answers("APPROVED", confidence)),)
    first = of_claim("first", "CLM-1", member_id="M-1").model_copy(update={"scores": scores})
    await one.take(first)
    await one.take(further(of_claim("again", "CLM-1", member_id="M-1"), attempt=2))
    events = await one.events()

    await take_over(restored, list(reversed(events)))

    found = await rows(restored)
    assert {name: (row["route"], _repeats(row)) for name, row in found.items()} == {
        "first": (route, False),
        "again": ("review", True),
    }


async def test_other_content_under_a_restored_case_id_is_refused(
    one: Filter, restored: Filter
) -> None:
    await one.take(of_claim("case-1"))
    await take_over(restored, await one.events())

    with pytest.raises(Conflict, match="case"):
        await restored.take(of_claim("case-1", billed_amount=99.0))


async def test_what_this_filter_cannot_have_said_restores_nothing(
    one: Filter, restored: Filter
) -> None:
    await one.take(of_claim("accepted", "CLM-1", member_id="M-1"), unsure("low"))
    decided, asked = await one.events()
    assert isinstance(decided, DecisionMade)
    assert isinstance(asked, ReviewRequested)
    assert asked.answer is not None
    other_claim = {**asked.case.model_dump(), "claim_id": "CLM-9"}
    forged: list[Event] = [
        *(
            decided.model_copy(update=changes)
            for changes in (
                {"decided_by": "human", "reviewer": "amara"},
                {"route_reason": "audit"},
                {"judged_sha256": None},
                {"model_version": None},
                {"model_version": "a \0"},
                {"confidence": None},
                {"reviewer": "amara"},
                {"document": "x"},
            )
        ),
        *(
            asked.model_copy(update=changes)
            for changes in (
                {"review_id": "another"},
                {"reason": "audit"},
                {"reason": "confident", "routing_version": "2/1/r.1/confident"},
                {"routing_version": "by hand"},
                {"inclusion_probability": 0.5},
                {"case": Case.model_validate(other_claim)},
                {"case": case("low", task="dental")},
                {"model_visible": False},
                {"answer": asked.answer.model_copy(update={"confidence": 0.1})},
                {"answer": asked.answer.model_copy(update={"label": "PAID"})},
            )
        ),
    ]
    for event in forged:
        await take_over(restored, [event])
        assert await restored.routes() == {}, event

    await take_over(restored, [*forged, decided, asked])
    assert await restored.routes() == {"accepted": "confident", "low": "low_confidence"}


async def test_the_tables_outlive_what_contradicts_them(one: Filter, restored: Filter) -> None:
    """What the backup knows stays, and so does the first of what is said of one case."""
    await one.take(of_claim("case-1"))
    (decided,) = await one.events()
    await restored.take(of_claim("case-1"))
    await take_over(restored, [decided])
    assert await restored.routes() == {"case-1": "stopped"}
    assert not (await rows(restored))["case-1"]["restored"]


async def test_only_what_was_declared_is_taken_over(
    settings: EngineSettings, one: Filter, restored: Filter
) -> None:
    """The topic of decisions is the queue's, too: people's are passed over."""
    await one.take(of_claim("accepted", "CLM-1", member_id="M-1"), unsure("low"))
    by_people = DecisionMade.model_validate(
        {**(await one.events())[0].model_dump(), "case_id": "by-people", "decided_by": "human"}
        | {"reviewer": "amara", "route_reason": "adverse"}
    )
    spans = []
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all") as producer:
        for event in (*(await one.events()), by_people):
            value = event.model_dump_json().encode()
            record = await producer.send_and_wait(event.type, value, partition=3)
            spans.append(Span(event.type, 3, record.offset, record.offset + 1))

    def recovery() -> Recovery:
        return Recovery(restored.database, take_over_steps(restored.restoring, settings))

    await recovery().run()
    assert await restored.routes() == {}

    await declare(restored.database.url, {"confidence_filter": spans})
    for _ in range(2):
        await recovery().run()
    assert await restored.routes() == {"accepted": "confident", "low": "low_confidence"}
    assert await restored.fetch("SELECT * FROM confidence_filter.recoveries") == []
    assert await restored.sent() == []
