"""Reading a topic's records in a test, without a group."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.errors import Rejected
from shared.events import Event
from shared.messaging.encoding import decode
from shared.messaging.topics import Topic
from tests.support.patience import PATIENCE_SECONDS

E = TypeVar("E", bound=Event)


def _read(value: bytes | None, event: type[E]) -> E | None:
    """None of what another test has sent to be refused."""
    try:
        return decode(value, event)
    except Rejected:
        return None


async def events_of(
    bootstrap: str, topic: Topic, event: type[E], *, wanted: Callable[[E], bool], count: int
) -> list[E]:
    """The wanted events of a topic, from its beginning, once there are `count` or patience is
    over."""
    return await events_until(
        bootstrap, topic, event, wanted=wanted, enough=lambda found: len(found) >= count
    )


async def events_until(
    bootstrap: str,
    topic: Topic,
    event: type[E],
    *,
    wanted: Callable[[E], bool],
    enough: Callable[[Sequence[E]], bool],
) -> list[E]:
    """The wanted events of a topic, from its beginning, once enough or patience is over."""
    found: list[E] = []
    async with _from_the_beginning(bootstrap, topic) as consumer:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not enough(found):
                    found += await _next_events(consumer, event, wanted)
    return found


async def all_events_of(
    bootstrap: str, topic: Topic, event: type[E], *, wanted: Callable[[E], bool]
) -> list[E]:
    """Once there is one of the wanted events, all of them up to the end of the topic."""
    found: list[E] = []
    async with (
        _from_the_beginning(bootstrap, topic) as consumer,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        while not found:
            found += await _next_events(consumer, event, wanted)
        for partition, end in (await consumer.end_offsets(consumer.assignment())).items():
            while await consumer.position(partition) < end:
                found += await _next_events(consumer, event, wanted)
    return found


@asynccontextmanager
async def _from_the_beginning(bootstrap: str, topic: Topic) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic.name, number) for number in range(topic.partitions)])
        await consumer.seek_to_beginning()
        yield consumer
    finally:
        await consumer.stop()


async def _next_events(
    consumer: AIOKafkaConsumer, event: type[E], wanted: Callable[[E], bool]
) -> list[E]:
    await asyncio.sleep(0)
    batches = (await consumer.getmany(timeout_ms=300)).values()
    read = (_read(record.value, event) for records in batches for record in records)
    return [each for each in read if each is not None and wanted(each)]
