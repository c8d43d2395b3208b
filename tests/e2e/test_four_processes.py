"""Four processes of each service between a prediction and its label, on the same engines: every
case has one decision, every decision one event, and every expert's decision one label.

Counted on the topics themselves, where a second decision with the same event id would stand beside
the first one.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.embedded.external_engines import read_external_engines
from deploy.embedded.stack import EmbeddedStack
from shared.events import Event
from shared.messaging.topics import (
    DECISIONS_MADE,
    PREDICTIONS_MADE,
    REVIEWS_COMPLETED,
    ROLLOUTS_CHANGED,
    Topic,
    create_topics,
)
from tests.support.builders.events import decision, predicted, rollout
from tests.support.builders.reviews import completed
from tests.support.crowd.settling import answer_all
from tests.support.draw_key import TEXT
from tests.support.engines.lifecycle import Engines, own_engines, temporary_home
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

PROCESSES = 4
CASES = 2_000
SERVICES = ("confidence_filter", "review_queue", "dataset_accumulator")
_UNROUTED = """
SELECT $1 - (SELECT count(*) FROM confidence_filter.routings)
    + (SELECT count(*) FROM confidence_filter.routings WHERE route = 'review')
    - (SELECT count(*) FROM review_queue.reviews)
"""
_UNDECIDED = """
SELECT (SELECT count(*) FROM review_queue.reviews WHERE completed_at IS NULL)
    + (SELECT count(*) FROM review_queue.outbox)
    + (SELECT count(*) FROM confidence_filter.outbox)
"""
_UNLABELED = """
SELECT (SELECT count(*) FROM review_queue.reviews)
    - (SELECT count(*) FROM dataset_accumulator.labels WHERE case_id LIKE 'case-%')
"""


@pytest.fixture
async def own() -> AsyncIterator[Engines]:
    """Engines with four processes of each service on them."""
    with own_engines() as engines, ExitStack() as homes:
        await asyncio.to_thread(create_topics, engines.environment["KAFKA_BOOTSTRAP"])
        stacks = [
            EmbeddedStack(
                homes.enter_context(temporary_home()),
                services=SERVICES,
                engines=False,
                environment={
                    **read_external_engines(engines.environment),
                    "DRAW_KEY": TEXT,
                    "REVIEW_QUEUE_UNDO_SECONDS": "0",
                },
                ports="free",
            )
            for _ in range(PROCESSES)
        ]
        for stack in stacks:
            homes.callback(stack.stop)
        await asyncio.gather(*(asyncio.to_thread(stack.start) for stack in stacks))
        yield engines


async def test_every_case_has_one_decision_and_every_decision_one_event(own: Engines) -> None:
    names = [f"case-{number}" for number in range(CASES)]
    predictions = [
        predicted(name, label="DENIED" if number % 2 else "APPROVED")
        for number, name in enumerate(names)
    ]
    connection = await asyncpg.connect(own.environment["DATABASE_URL"])
    bootstrap = own.environment["KAFKA_BOOTSTRAP"]
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await send(producer, [rollout()], topic=ROLLOUTS_CHANGED)
        await send(producer, [*predictions, *predictions], topic=PREDICTIONS_MADE)
        async with asyncio.timeout(3 * PATIENCE_SECONDS):
            while await connection.fetchval(_UNROUTED, CASES):
                await asyncio.sleep(0.1)
            while await connection.fetchval(_UNDECIDED):
                await answer_all(connection)  # at once: all processes reach for the same reviews
                await asyncio.sleep(0.1)
            while await connection.fetchval(_UNLABELED):
                await asyncio.sleep(0.1)
        made = await counted(producer, DECISIONS_MADE, bootstrap, end=decision("the-end"))
        reviewed = await counted(producer, REVIEWS_COMPLETED, bootstrap, end=completed("the-end"))
    routes = await connection.fetch("SELECT case_id, route FROM confidence_filter.routings")
    labels = await connection.fetch("SELECT case_id FROM dataset_accumulator.labels")
    await connection.close()

    by_people = {row["case_id"] for row in routes if row["route"] == "review"}
    assert CASES / 2 <= len(by_people) < CASES  # some of the approvals are audited
    assert made == dict.fromkeys(names, 1)
    assert reviewed == dict.fromkeys(by_people, 1)
    assert by_people <= {row["case_id"] for row in labels}


async def send(producer: AIOKafkaProducer, events: Sequence[Event], *, topic: Topic) -> None:
    for event in events:
        value = event.model_dump_json().encode()
        await producer.send(topic.name, value, key=event.key.encode())
    await producer.flush()


async def counted(
    producer: AIOKafkaProducer, topic: Topic, bootstrap: str, *, end: Event
) -> dict[str, int]:
    """How many events each case has in the topic, whose partitions are read up to an `end` that is
    sent to each: whatever was sent before stands before it."""
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    value, key = end.model_dump_json().encode(), end.key.encode()
    for place in partitions:
        await producer.send_and_wait(topic.name, value, key=key, partition=place.partition)
    found: Counter[str] = Counter()
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while found[end.key] < len(partitions):
                for records in (await consumer.getmany(timeout_ms=300)).values():
                    found.update((record.key or b"").decode() for record in records)
    del found[end.key]
    return dict(found)
