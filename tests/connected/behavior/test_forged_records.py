"""Records that somebody else writes, on every topic: what contradicts what a service holds is
refused, what it holds stays, and nobody else waits for it.

The state topic's own are in tests/connected/promoter/test_restating.py.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.stack import EmbeddedStack
from shared.events import Event
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.topics import (
    CASES_REJECTED,
    DECISIONS_CORRECTED,
    DECISIONS_MADE,
    ROLLOUTS_APPLIED,
    ROLLOUTS_CHANGED,
    TOPICS,
    TRAININGS_PROGRESSED,
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


async def _send(producer: AIOKafkaProducer, topic: str, event: Event) -> None:
    await producer.send_and_wait(topic, event.model_dump_json().encode(), key=event.key.encode())


async def _letters_of(marks: Marks, consumer: Consumer, forged: Event) -> list[DeadLetter]:
    value = forged.model_dump_json().encode()
    return await marks.dead_letters(consumer, wanted=lambda e: e.value == value, count=1)


@each_service
async def test_what_contradicts_is_refused_and_the_first_stays(
    consumer: Consumer,
    stack: EmbeddedStack,
    producer: AIOKafkaProducer,
    premises: Premises,
    marks: Marks,
) -> None:
    first, after = (f"{consumer.service}-{next(_NUMBERS)}" for _ in range(2))
    genuine = consumer.event(first)
    forged = FORGERIES[consumer.service](genuine)
    assert forged.key == genuine.key
    await premises.lay([genuine, consumer.event(after)])

    await _send(producer, consumer.topic.name, genuine)
    assert await marks.counts(consumer, [first]) == Counter([first])
    await _send(producer, consumer.topic.name, forged)
    await _send(producer, consumer.topic.name, genuine)  # replayed
    await _send(producer, consumer.topic.name, consumer.event(after))

    assert await marks.counts(consumer, [first, after]) == Counter([first, after])
    letters = await _letters_of(marks, consumer, forged)
    assert [letter.error_type for letter in letters] == ["Conflict"]


_UNFOUNDED = [c for c in CONSUMERS if c.service in ("trainer", "evaluator")]


@pytest.mark.parametrize("consumer", _UNFOUNDED, ids=str)
async def test_what_no_service_has_made_is_refused_and_silences_nothing(
    consumer: Consumer,
    stack: EmbeddedStack,
    producer: AIOKafkaProducer,
    premises: Premises,
    marks: Marks,
) -> None:
    """A release or a model without a manifest: sent before a genuine one, with a higher number.
    Replayed once it has a ground, it is taken."""
    genuine, forged = (f"{consumer.service}-{next(_NUMBERS)}" for _ in range(2))
    await premises.lay([consumer.event(genuine)])
    for name in (forged, genuine):
        await _send(producer, consumer.topic.name, consumer.event(name))

    letters = await _letters_of(marks, consumer, consumer.event(forged))
    assert [letter.error_type for letter in letters] == ["NotFound"]
    assert letters[0].error.partition(":")[0] in ("manifest", "model.manifest")
    assert await marks.counts(consumer, [genuine]) == Counter([genuine])
    await premises.lay([consumer.event(forged)])
    await producer.send_and_wait(consumer.topic.name, letters[0].value, key=letters[0].key)
    assert await marks.counts(consumer, [forged, genuine]) == Counter([forged, genuine])


async def test_a_correction_of_nothing_and_one_that_comes_twice_change_no_label(
    stack: EmbeddedStack, producer: AIOKafkaProducer, marks: Marks
) -> None:
    consumer = next(each for each in CONSUMERS if each.service == "dataset_accumulator")
    name = f"dataset_accumulator-{next(_NUMBERS)}"
    await _send(producer, consumer.topic.name, consumer.event(name))
    assert await marks.counts(consumer, [name]) == Counter([name])

    for correction in (
        corrected(name, label="DENIED"),
        corrected(name, label="PENDING"),  # the first of a revision stays
        corrected(name, label="PENDING", revision=4),  # nobody has heard of the two before
        corrected("nobody-knows-this-case"),
        corrected(name, label="DENIED", revision=2, task="independent_review"),
        corrected(name, label="APPROVED", revision=2),
    ):
        await _send(producer, DECISIONS_CORRECTED.name, correction)

    async with asyncio.timeout(PATIENCE_SECONDS):
        seen = {await _label(marks, name)}
        while (2, "APPROVED") not in seen:
            seen.add(await _label(marks, name))
            await asyncio.sleep(0.02)
    assert seen <= {(0, "APPROVED"), (1, "DENIED"), (2, "APPROVED")}


async def _label(marks: Marks, case_id: str) -> tuple[int, str]:
    row = await marks.connection.fetchrow(
        "SELECT revision, label FROM dataset_accumulator.labels WHERE case_id = $1", case_id
    )
    assert row is not None
    return row["revision"], row["label"]
