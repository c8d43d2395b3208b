"""A part of a topic is read from its first record to its end, and nothing else of it."""

from uuid import uuid4

from aiokafka import AIOKafkaProducer

from shared.events import ReviewCompleted
from shared.messaging.readers.spans import Span, events_of
from shared.messaging.topics import REVIEWS_COMPLETED
from shared.settings import EngineSettings
from tests.support.builders.reviews import completed


async def publish(settings: EngineSettings, *values: bytes) -> list[int]:
    """Their offsets, on the first partition."""
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all") as producer:
        sent = [
            await producer.send_and_wait(REVIEWS_COMPLETED.name, value, partition=0)
            for value in values
        ]
    return [record.offset for record in sent]


async def test_from_the_first_to_the_end_as_often_as_it_is_asked(settings: EngineSettings) -> None:
    names = [f"{name}-{uuid4().hex}" for name in ("before", "first", "last", "after")]
    before, first, last, after = (completed(n).model_dump_json().encode() for n in names)
    offsets = await publish(settings, before, first, b"no event", last, after)
    span = Span(REVIEWS_COMPLETED.name, 0, offsets[1], offsets[4])

    for _ in range(2):
        found = [
            event.case.case_id
            async for events in events_of(settings, [span], ReviewCompleted, service="test")
            for event in events
        ]
        assert found == names[1:3]
