"""What a service has said itself, and its tables do not know: they were restored from a backup.

`caseloop recover` sets the service's group back on its own topics too. A process that starts reads
from there to the end before it does anything else, or it would decide anew what is decided.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.errors import Rejected
from shared.events import Event
from shared.messaging.encoding import decode
from shared.messaging.topics import READ_COMMITTED, Topic
from shared.settings import EngineSettings
from shared.telemetry import logger

E = TypeVar("E", bound=Event)

_ANSWER_SECONDS = 30.0
# Some brokers say an end that is too low: behind it, nothing may come for so long.
_QUIET_MS = 500


async def unread_events(
    settings: EngineSettings, topic: Topic, event: type[E], *, service: str
) -> AsyncIterator[Sequence[E]]:
    """The events of a topic that the service publishes, from where its group stands to the end.

    A topic that the group has never read says nothing that could have been forgotten.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap.split(","),
        client_id=f"caseloop-{service}-own",
        group_id=service,  # to know where it stands; it is not joined
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=READ_COMMITTED,
    )
    await consumer.start()
    try:
        ends = await _seek_to_unread(consumer, topic)
        while True:
            batches = await consumer.getmany(timeout_ms=_QUIET_MS)
            for records in batches.values():
                yield [each for record in records if (each := _read(record.value, event))]
            if not batches and await _is_at(consumer, ends):
                return
    finally:
        await consumer.stop()


async def _seek_to_unread(consumer: AIOKafkaConsumer, topic: Topic) -> dict[TopicPartition, int]:
    """Where each partition ends."""
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    consumer.assign(partitions)
    async with asyncio.timeout(_ANSWER_SECONDS):
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        for partition in partitions:
            stands = await consumer.committed(partition)
            consumer.seek(partition, ends[partition] if stands is None else stands)
    return ends


async def _is_at(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    async with asyncio.timeout(_ANSWER_SECONDS):
        return all([await consumer.position(each) >= end for each, end in ends.items()])


def _read(value: bytes | None, event: type[E]) -> E | None:
    """None for what is no such event: the group makes a dead letter of it."""
    try:
        return decode(value, event)
    except Rejected as error:
        logger.warning("unreadable event of our own", topic=event.type, reason=str(error))
        return None
