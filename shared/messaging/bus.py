"""The one place that talks to Kafka: publish confirmed, consume at least once.

Whatever happens to a record, it is processed, waits, or becomes a dead letter; only then is its
offset committed. Handlers get batches and must be idempotent.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

from aiokafka import AIOKafkaConsumer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import KafkaAckableMessage

from shared.errors import Transient
from shared.events import Event
from shared.health import Health
from shared.messaging.consumer import E, Handler, RawRecord, Rejection, TopicConsumer
from shared.messaging.encoding import encode
from shared.messaging.producer import Producer
from shared.messaging.readers.partition_reader import PartitionReader
from shared.messaging.topic_check import check_topics
from shared.messaging.topics import READ_COMMITTED, Topic
from shared.messaging.watchdog import Watchdog
from shared.settings import EngineSettings

# Kafka would move the partitions of a consumer that waits longer for an engine.
_LONGEST_HANDLING_MS = 15 * 60 * 1000


class Bus:
    """A service's connection to Kafka: one producer, one consumer. `service` is also its group."""

    def __init__(self, settings: EngineSettings, *, service: str, health: Health) -> None:
        self.service = service
        self.health = health
        self._settings = settings
        client_id = f"caseloop-{service}"
        self.producer = Producer(settings, client_id=client_id)
        self.broker = KafkaBroker(
            settings.kafka_bootstrap.split(","),
            client_id=client_id,
            allow_auto_create_topics=False,
            consumer_only=True,
            logger=logging.getLogger("faststream"),
            log_level=logging.DEBUG,  # of a line for each record; errors are errors
        )
        self.watchdog = Watchdog(service)
        self.farewells: list[Callable[[], Awaitable[None]]] = []  # said when all work is done
        self._consumers: dict[str, TopicConsumer] = {}
        self._batch = 1

    @property
    def topics(self) -> list[str]:
        """The work topics that are consumed."""
        return list(self._consumers)

    def consume(
        self,
        topic: Topic,
        handle: Handler[E],
        *,
        event: type[E],
        batch: int,
        rejection: Rejection | None = None,
    ) -> None:
        """Hand `topic` to `handle`, in batches of about `batch` records. A record that becomes a
        dead letter also becomes the event that `rejection` makes of it."""
        self._consumers[topic.name] = TopicConsumer(
            self.producer, self.service, self.health, topic, event, handle, rejection
        )
        self._batch = max(self._batch, batch)

    async def start(self) -> None:
        """Connect and consume; `UnsuitableTopics` if the topics are not as this service needs."""
        await asyncio.to_thread(check_topics, self._settings.kafka_bootstrap, service=self.service)
        await self.producer.start()
        if self._consumers:
            self._subscribe()
        build = cast("partial[AIOKafkaConsumer]", await self.broker.connect())
        # There is no public way to say which class of consumer a subscriber reads with.
        self.broker.config.broker_config.builder = partial(
            PartitionReader, self.health, **build.keywords
        )
        await self.broker.start()

    async def stop(self) -> None:
        await self.broker.stop()
        with suppress(Transient):  # Kafka may be the reason why we stop
            for farewell in self.farewells:
                await farewell()
        await self.producer.stop()

    async def publish(self, events: Sequence[Event]) -> None:
        """Send events and wait until all are confirmed."""
        await self.producer.send([encode(event, source=self.service) for event in events])

    def _subscribe(self) -> None:
        """One consumer for all topics: two of one group would only rebalance each other."""
        subscriber = self.broker.subscriber(
            *self._consumers,
            group_id=self.service,
            batch=True,
            max_records=self._batch,
            batch_timeout_ms=50,  # how long it sleeps when there is nothing
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            max_poll_interval_ms=_LONGEST_HANDLING_MS,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            isolation_level=READ_COMMITTED,
            parser=self._keep_raw,
            decoder=_leave_undecoded,
        )
        subscriber(self._handle_batch)
        self.watchdog.subscriber = subscriber

    async def _keep_raw(self, records: tuple[RawRecord, ...]) -> KafkaMessage:
        """Like FastStream's own parser, but headers stay bytes: a bad one must not poison a
        batch."""
        return KafkaAckableMessage(
            body=[record.value for record in records],
            headers={},
            batch_headers=[],
            raw_message=records,
            message_id=f"{records[0].offset}-{records[-1].offset}",
            consumer=self.watchdog.subscriber.consumer,
        )

    async def _handle_batch(self, message: KafkaMessage) -> None:
        by_topic: dict[str, list[RawRecord]] = defaultdict(list)
        for record in message.raw_message:
            by_topic[record.topic].append(record)
        with self.watchdog.at_work():
            for topic, records in by_topic.items():
                await self._consumers[topic].process(records)


async def _leave_undecoded(message: KafkaMessage) -> Any:
    return message.body
