"""Reads parts of a topic once, without a group: what a service said before it was restored."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.errors import Rejected
from shared.events import Event
from shared.messaging.encoding import decode
from shared.messaging.topics import READ_COMMITTED
from shared.settings import EngineSettings
from shared.telemetry import logger

E = TypeVar("E", bound=Event)

_POLL_MS = 500
_QUIET_POLLS = 60  # in a row: the topic ends before it should, and was made anew


@dataclass(frozen=True)
class Span:
    """A part of a partition, without its `end`."""

    topic: str
    partition: int
    first: int
    end: int


async def events_of(
    settings: EngineSettings, spans: Sequence[Span], event: type[E], *, service: str
) -> AsyncIterator[Sequence[E]]:
    """The events in these spans of one topic. Nothing is committed, and nobody else waits."""
    ends = {TopicPartition(span.topic, span.partition): span.end for span in spans}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap.split(","),
        client_id=f"caseloop-{service}-recovery",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=READ_COMMITTED,
    )
    await consumer.start()
    try:
        consumer.assign(list(ends))
        for span in spans:
            consumer.seek(TopicPartition(span.topic, span.partition), span.first)
        quiet = 0
        while not await _has_passed(consumer, ends):
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            for partition, records in batches.items():
                own = (record.value for record in records if record.offset < ends[partition])
                yield [each for value in own if (each := _read(value, event))]
            quiet = 0 if batches else quiet + 1
            if quiet > _QUIET_POLLS:
                logger.error("topic ends before what was to be read again", topic=event.type)
                return
    finally:
        await consumer.stop()


async def _has_passed(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    return all([await consumer.position(each) >= end for each, end in ends.items()])


def _read(value: bytes | None, event: type[E]) -> E | None:
    """None for what is no such event: the group makes a dead letter of it."""
    try:
        return decode(value, event)
    except Rejected as error:
        logger.warning("unreadable event of our own", topic=event.type, reason=str(error))
        return None
