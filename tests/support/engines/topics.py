"""Reading a topic's records in a test, without a group."""

import asyncio
import time
from collections.abc import Callable
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
    bootstrap: str,
    topic: Topic,
    event: type[E],
    *,
    wanted: Callable[[E], bool],
    count: int,
    seconds: float = PATIENCE_SECONDS,
) -> list[E]:
    """The wanted events of a topic, from its beginning, once there are `count` or time is up."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        found: list[E] = []
        deadline = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            for records in (await consumer.getmany(timeout_ms=300)).values():
                read = (_read(record.value, event) for record in records)
                found += [each for each in read if each is not None and wanted(each)]
            await asyncio.sleep(0)
        return found
    finally:
        await consumer.stop()
