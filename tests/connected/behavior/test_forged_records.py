"""Records that somebody else writes, on every topic: what contradicts what a service holds is
refused, what it holds stays, and nobody else waits for it.

The state topic's own are in tests/connected/promoter/test_restating.py.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.stack import EmbeddedStack
from shared.events import Event, ModelEvaluated
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.topics import (
    CASES_REJECTED,
    DECISIONS_CORRECTED,
    DECISIONS_MADE,
    ROLLOUTS_APPLIED,
    ROLLOUTS_CHANGED,
    TOPICS,
    TRAININGS_PROGRESSED,
    Topic,
)
from tests.connected.behavior.consumers import CONSUMERS, Consumer
from tests.connected.behavior.marks import Marks
from tests.connected.behavior.premises import Premises
from tests.support.builders.events import case, claim_input, reference
from tests.support.builders.reviews import corrected
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

Forge = Callable[[Any], Event]
_NUMBERS = itertools.count(int(time.time()))
_ELSEWHERE = reference("s3://elsewhere/manifest.json").model_copy(update={"sha256": "f" * 64})
each_service = pytest.mark.parametrize("consumer", CONSUMERS, ids=str)


def _other_case(event: Any) -> Event:
    other = case(event.case.case_id, input=claim_input(billed_amount="9999.00"))
    return cast("Event", event.model_copy(update={"case": other}))


def _other_input(event: Any) -> Event:
    return cast("Event", event.model_copy(update={"input": claim_input(billed_amount="9999.00")}))


def _other_manifest(event: Any) -> Event:
    return cast("Event", event.model_copy(update={"manifest": _ELSEWHERE}))


def _other_model(event: Any) -> Event:
    model = event.model.model_copy(update={"manifest": _ELSEWHERE})
    return cast("Event", event.model_copy(update={"model": model}))


FORGERIES: dict[str, Forge] = {
    "inference": _other_input,
    "confidence_filter": _other_case,
    "review_queue": _other_case,
    "dataset_accumulator": _other_case,
    "trainer": _other_manifest,
    "evaluator": _other_model,
    "promoter": _other_model,
}


def test_every_topic_is_forged_somewhere() -> None:
    """Whoever adds a topic says what becomes of a forged record on it."""
    forged = {consumer.topic.name for consumer in CONSUMERS}
    history = {DECISIONS_MADE.name, DECISIONS_CORRECTED.name}  # below
    states = {ROLLOUTS_CHANGED.name, ROLLOUTS_APPLIED.name}  # promoter's tests
    unread = {TRAININGS_PROGRESSED.name, CASES_REJECTED.name}

    assert forged | history | states | unread == {topic.name for topic in TOPICS}


@dataclass(frozen=True)
class Forger:
    """Who writes to every topic, and sees what becomes of it."""

    producer: AIOKafkaProducer
    premises: Premises
    marks: Marks

    async def send(self, topic: Topic, *events: Event) -> None:
        for event in events:
            await self.producer.send_and_wait(
                topic.name, event.model_dump_json().encode(), key=event.key.encode()
            )


@pytest.fixture
def forger(
    stack: EmbeddedStack, producer: AIOKafkaProducer, premises: Premises, marks: Marks
) -> Forger:
    return Forger(producer, premises, marks)


async def _letters_of(marks: Marks, consumer: Consumer, forged: Event) -> list[DeadLetter]:
    value = forged.model_dump_json().encode()
    return await marks.dead_letters(consumer, wanted=lambda e: e.value == value, count=1)


@each_service
async def test_what_contradicts_is_refused_and_the_first_stays(
    consumer: Consumer, forger: Forger
) -> None:
    first, after = (f"{consumer.service}-{next(_NUMBERS)}" for _ in range(2))
    marks, topic = forger.marks, consumer.topic
    genuine = consumer.event(first)
    forged = FORGERIES[consumer.service](genuine)
    assert forged.key == genuine.key
    await forger.premises.lay([genuine, consumer.event(after)])

    await forger.send(topic, genuine)
    assert await marks.counts(consumer, [first]) == Counter([first])
    await forger.send(topic, forged, genuine, consumer.event(after))

    assert await marks.counts(consumer, [first, after]) == Counter([first, after])
    letters = await _letters_of(marks, consumer, forged)
    assert [letter.error_type for letter in letters] == ["Conflict"]


_UNFOUNDED = [c for c in CONSUMERS if c.service in ("trainer", "evaluator", "promoter")]


@pytest.mark.parametrize("consumer", _UNFOUNDED, ids=str)
async def test_what_no_service_has_made_is_refused_and_silences_nothing(
    consumer: Consumer, forger: Forger
) -> None:
    """A release or a model without a manifest, an evaluation without a report: sent before a
    genuine one, with a higher number. Replayed once it has a ground, it is taken."""
    genuine, forged = (f"{consumer.service}-{next(_NUMBERS)}" for _ in range(2))
    marks, topic = forger.marks, consumer.topic
    await forger.premises.lay([consumer.event(genuine)])
    await forger.send(topic, consumer.event(forged), consumer.event(genuine))

    letters = await _letters_of(marks, consumer, consumer.event(forged))
    assert [letter.error_type for letter in letters] == ["NotFound"]
    assert letters[0].error.partition(":")[0] in ("manifest", "model.manifest", "report_json")
    assert await marks.counts(consumer, [genuine]) == Counter([genuine])
    await forger.premises.lay([consumer.event(forged)])
    await forger.producer.send_and_wait(topic.name, letters[0].value, key=letters[0].key)
    assert await marks.counts(consumer, [forged, genuine]) == Counter([forged, genuine])


async def test_what_nobody_has_trained_is_in_no_rollout_and_holds_nothing_up(
    forger: Forger,
) -> None:
    """A report alone does not do: `models.trained.v1` is read to its end first."""
    consumer = next(each for each in CONSUMERS if each.service == "promoter")
    untrained, genuine = (f"promoter-{next(_NUMBERS)}" for _ in range(2))
    await forger.premises.report(cast("ModelEvaluated", consumer.event(untrained)))
    await forger.premises.lay([consumer.event(genuine)])
    await forger.send(consumer.topic, consumer.event(untrained), consumer.event(genuine))

    letters = await _letters_of(forger.marks, consumer, consumer.event(untrained))
    assert [letter.error.partition(":")[0] for letter in letters] == ["model.version"]
    assert await forger.marks.counts(consumer, [genuine]) == Counter([genuine])
    rows = await forger.marks.connection.fetch(consumer.rows, [untrained, genuine])
    assert [row[0] for row in rows] == [genuine]


async def test_a_correction_of_nothing_and_one_that_comes_twice_change_no_label(
    forger: Forger,
) -> None:
    consumer = next(each for each in CONSUMERS if each.service == "dataset_accumulator")
    name = f"dataset_accumulator-{next(_NUMBERS)}"
    await forger.send(consumer.topic, consumer.event(name))
    assert await forger.marks.counts(consumer, [name]) == Counter([name])

    await forger.send(DECISIONS_CORRECTED, corrected(name, label="DENIED"))
    await _becomes(forger.marks, name, (1, "DENIED"))
    await forger.send(
        DECISIONS_CORRECTED,
        corrected(name, label="PENDING"),  # the first of a revision stays
        corrected(name, label="PENDING", revision=4),  # nobody has heard of the two before
        corrected("nobody-knows-this-case"),
        corrected(name, label="DENIED", revision=2, task="independent_review"),
        corrected(name, label="APPROVED", revision=2),
    )
    await _becomes(forger.marks, name, (2, "APPROVED"))

    # What was taken stays in the table, also where no look at the label would have caught it.
    rows = await forger.marks.connection.fetch(
        "SELECT revision, label FROM dataset_accumulator.corrections WHERE case_id = $1", name
    )
    assert {row["revision"]: row["label"] for row in rows} == {
        1: "DENIED",
        2: "APPROVED",
        4: "PENDING",
    }


async def _becomes(marks: Marks, case_id: str, label: tuple[int, str]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await _label(marks, case_id) != label:
            await asyncio.sleep(0.02)


async def _label(marks: Marks, case_id: str) -> tuple[int, str]:
    row = await marks.connection.fetchrow(
        "SELECT revision, label FROM dataset_accumulator.labels WHERE case_id = $1", case_id
    )
    assert row is not None
    return row["revision"], row["label"]
