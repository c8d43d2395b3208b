"""What a foreign record says stays in it: no error, health, log or metric repeats any of it.

Every field of every event that is consumed once holds a text that could be a member's.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.cli.client import System
from deploy.embedded.stack import EmbeddedStack
from shared.events import DecisionCorrected, DecisionMade, Event
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.topics import TOPICS, dead_letter_topic, topic_of
from shared.services import SERVICES
from tests.connected.behavior.consumers import CONSUMERS
from tests.connected.behavior.marks import Marks
from tests.connected.behavior.premises import Premises
from tests.support.builders.events import NOW, case, rollout
from tests.support.engines.lifecycle import Engines
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

SECRET = "Mrs. Roe, oncology"
_LETTERS = [
    TopicPartition(dead_letter_topic(topic.name, group), 0)
    for topic in TOPICS
    for group in topic.consumers
]


def events() -> Iterator[Event]:
    """One of each kind that a service reads."""
    decided = case("told-1")
    yield from (consumer.event("told-1") for consumer in CONSUMERS)
    yield DecisionMade(
        occurred_at=NOW,
        case_id=decided.case_id,
        task=decided.task,
        claim_id=None,
        group_id=decided.group_id,
        label="APPROVED",
        decided_by="human",
        reviewer="somebody",
        route_reason="audit",
        inclusion_probability=1.0,
        content_sha256=decided.content_sha256,
    )
    yield DecisionCorrected(
        occurred_at=NOW,
        case_id=decided.case_id,
        task=decided.task,
        label="DENIED",
        revision=1,
        supersedes_revision=0,
        reasoning="seen again",
        corrected_by="somebody",
        why="seen again",
    )
    yield rollout(champion=None)


def spoiled(content: Any) -> Iterator[Any]:
    """The content with the secret in the place of one value, or as a further name."""
    yield SECRET
    if isinstance(content, dict):
        yield {**content, SECRET: SECRET}
        for name, value in content.items():
            yield from ({**content, name: each} for each in spoiled(value))
    elif isinstance(content, list):
        yield [*content, SECRET]
        for place, value in enumerate(content):
            for each in spoiled(value):
                yield [*content[:place], each, *content[place + 1 :]]


@pytest.fixture(scope="module")
async def told(
    producer: AIOKafkaProducer, premises: Premises, marks: Marks, stack: EmbeddedStack
) -> None:
    """Everything was read, and what it has set going is over."""
    await premises.lay(c.event(key) for c in CONSUMERS for key in ("told-1", "told-2"))
    for event in events():
        topic, key = topic_of(event).name, event.key.encode()
        for content in spoiled(json.loads(event.model_dump_json())):
            await producer.send(topic, json.dumps(content).encode(), key=key)
        await producer.send(topic, SECRET.encode(), key=SECRET.encode())
        await producer.send(topic, b"{}", key=key, headers=[(SECRET, SECRET.encode() + b"\xff")])
    for consumer in CONSUMERS:
        event = consumer.event("told-1")
        good = consumer.event("told-2")  # behind all the others of its partition
        value = good.model_dump_json().encode()
        await producer.send(consumer.topic.name, value, key=event.key.encode())
    await producer.flush()
    for consumer in CONSUMERS:
        assert set(await marks.counts(consumer, ["told-2"])) == {"told-2"}
    for table in ("evaluator.runs", "trainer.runs"):
        await _nothing_is_left_to_do(marks, table)


async def _nothing_is_left_to_do(marks: Marks, table: str) -> None:
    waiting = f"SELECT count(*) FROM {table} WHERE status IN ('queued', 'running')"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await marks.connection.fetchval(waiting):
            await asyncio.sleep(0.2)


async def dead_letters(bootstrap: str) -> Sequence[DeadLetter]:
    async with (
        AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        ) as consumer,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        consumer.assign(_LETTERS)
        await consumer.seek_to_beginning()
        found: list[DeadLetter] = []
        ends = await consumer.end_offsets(_LETTERS)
        for place in _LETTERS:
            while await consumer.position(place) < ends[place]:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [DeadLetter.read(r.key, r.value, dict(r.headers)) for r in records]
        return found


async def test_no_dead_letter_tells(own: Engines, told: None) -> None:
    letters = await dead_letters(own.environment["KAFKA_BOOTSTRAP"])

    assert {letter.group for letter in letters} == {g for t in TOPICS for g in t.consumers}
    assert [letter.error for letter in letters if "Roe" in letter.error + letter.error_type] == []


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_tells(stack: EmbeddedStack, service: str, told: None) -> None:
    url = System(stack.environment).url(service)
    shown = [
        httpx.get(f"{url}{path}", timeout=PATIENCE_SECONDS).text
        for path in ("/health/ready", "/metrics")
    ]
    log = stack.layout.log(service).read_text()

    assert log
    for text in (*shown, log):
        assert [line for line in text.splitlines() if "Roe" in line] == []
