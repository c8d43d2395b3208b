"""What a service reads again of its own topic when it starts: from where its group stands."""

from collections.abc import Sequence
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.events import ReviewCompleted
from shared.messaging.own_events import unread_events
from shared.messaging.topics import REVIEWS_COMPLETED
from shared.settings import EngineSettings
from tests.support.builders.reviews import completed
from tests.support.patience import PATIENCE_SECONDS


async def publish(settings: EngineSettings, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(REVIEWS_COMPLETED.name, value, key=uuid4().bytes)


async def unread(settings: EngineSettings, group: str) -> Sequence[str]:
    return sorted(
        [
            event.case.case_id
            async for events in unread_events(
                settings, REVIEWS_COMPLETED, ReviewCompleted, service=group
            )
            for event in events
        ]
    )


async def commit_all(settings: EngineSettings, group: str, *, last: bytes) -> None:
    """Read as the group until this record has come, and commit."""
    async with AIOKafkaConsumer(
        REVIEWS_COMPLETED.name,
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=int(PATIENCE_SECONDS * 1000),
    ) as consumer:
        async for record in consumer:
            if record.value == last:
                break
        for partition in consumer.assignment():
            await consumer.seek_to_end(partition)
            await consumer.position(partition)
        await consumer.commit()


async def test_from_where_the_group_stands_to_the_end_and_nothing_is_moved(
    settings: EngineSettings,
) -> None:
    group = f"own-{uuid4().hex}"
    before, *after = (completed(f"{name}-{group}") for name in ("before", "b", "c"))
    last = before.model_dump_json().encode()
    await publish(settings, last)
    assert await unread(settings, group) == []  # it has never read, so it has forgotten nothing
    await commit_all(settings, group, last=last)

    await publish(settings, b"no event", *(each.model_dump_json().encode() for each in after))

    for _ in range(2):
        assert await unread(settings, group) == [each.case.case_id for each in after]
