"""The one place that talks to Kafka: publish confirmed, consume at least once.

Whatever happens to a record, it is processed, waits, or becomes a dead letter; only then is its
offset committed. Handlers get batches and must be idempotent. When every record fails,
consumption waits and says so instead of emptying the topic into the dead letters.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import KafkaAckableMessage

from shared.dead_letter import DeadLetter, dead_letter
from shared.encoding import decode, encode
from shared.errors import Rejected, Transient
from shared.events import Event
from shared.health import Health
from shared.sender import Sender
from shared.settings import EngineSettings
from shared.telemetry import CONSUMED, DEAD_LETTERED, HANDLING, LAG, logger
from shared.topics import Topic

E = TypeVar("E", bound=Event)
Raw: TypeAlias = ConsumerRecord[Any, Any]
Pair: TypeAlias = tuple[Raw, Event]
Handler = Callable[[Sequence[E]], Awaitable[None]]

# So many records in a row may be bad before consumption waits for a human.
REJECTED_LIMIT = 1000
UNEXPECTED_LIMIT = 10
_LONGEST_WAIT_SECONDS = 5.0
# Kafka would move the partitions of a consumer that waits longer for an engine.
_LONGEST_HANDLING_MS = 15 * 60 * 1000


class Bus:
    """A service's connection to Kafka. `service` is also its consumer group."""

    def __init__(self, settings: EngineSettings, *, service: str, health: Health) -> None:
        self.service = service
        self.health = health
        client_id = f"caseloop-{service}"
        self.sender = Sender(settings, client_id=client_id)
        self.broker = KafkaBroker(
            settings.kafka_bootstrap.split(","),
            client_id=client_id,
            allow_auto_create_topics=False,
            consumer_only=True,
            logger=None,
        )

    async def start(self) -> None:
        await self.sender.start()
        await self.broker.start()

    async def stop(self) -> None:
        await self.broker.stop()
        await self.sender.stop()

    async def publish(self, events: Sequence[Event]) -> None:
        """Send events and wait until all are confirmed."""
        await self.sender.send([encode(event, source=self.service) for event in events])

    def consume(self, topic: Topic, handle: Handler[E], *, event: type[E], batch: int) -> None:
        """Hand `topic` to `handle`, at most `batch` records at a time."""
        consumption = _Consumption(self, topic, event, handle)
        subscriber = self.broker.subscriber(
            topic.name,
            group_id=self.service,
            batch=True,
            max_records=batch,
            batch_timeout_ms=100,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            max_poll_interval_ms=_LONGEST_HANDLING_MS,
            session_timeout_ms=15_000,
            heartbeat_interval_ms=3_000,
            parser=_parse,
            decoder=_undecoded,
        )

        @subscriber
        async def consume(message: KafkaMessage) -> None:
            await consumption.take(message.raw_message)
            _measure_lag(message, topic.name, self.service)


async def _parse(records: tuple[Raw, ...], default: Any) -> KafkaMessage:
    """Like FastStream's own parser, but headers stay bytes: a bad one must not poison a batch."""
    return KafkaAckableMessage(
        body=[record.value for record in records],
        headers={},
        batch_headers=[],
        raw_message=records,
        message_id=f"{records[0].offset}-{records[-1].offset}",
        consumer=default.__self__._consumer,
    )


async def _undecoded(message: KafkaMessage) -> Any:
    return message.body


def _measure_lag(message: KafkaMessage, topic: str, group: str) -> None:
    consumer: Any = message.consumer
    lags = []
    for partition in consumer.assignment():
        end = consumer.highwater(partition)
        last = max(
            (r.offset for r in message.raw_message if r.partition == partition.partition),
            default=None,
        )
        if end is not None and last is not None:
            lags.append(end - last - 1)
    LAG.labels(topic, group).set(sum(lags))


@dataclass
class _Consumption:
    """How one topic is worked off for one group."""

    bus: Bus
    topic: Topic
    event: type[Any]
    handle: Handler[Any]
    rejected: int = 0  # in a row
    unexpected: int = 0

    @property
    def part(self) -> str:
        return f"consume {self.topic.name}"

    async def take(self, records: Sequence[Raw]) -> None:
        with HANDLING.labels(self.topic.name, self.bus.service).time():
            good = []
            for record in records:
                try:
                    good.append((record, self._read(record)))
                except Rejected as error:
                    await self._give_up(record, error)
            if good:
                await self._process(good)
        CONSUMED.labels(self.topic.name, self.bus.service).inc(len(records))

    def _read(self, record: Raw) -> Event:
        for name, value in record.headers:
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                raise Rejected("is not UTF-8", field=f"header {name}") from None
        event: Event = decode(record.value, self.event)
        return event

    async def _process(self, pairs: Sequence[Pair]) -> None:
        """Handle a batch; if it fails, halve it until the record at fault stands alone."""
        error = await self._attempt(pairs)
        if error is None:
            return
        if len(pairs) > 1:
            middle = len(pairs) // 2
            await self._process(pairs[:middle])
            await self._process(pairs[middle:])
            return
        while error is not None and self._everything_fails(error):
            await self._stand_still(f"{self.unexpected} records in a row failed: {error!r}")
            error = await self._attempt(pairs)
        if error is not None:
            await self._give_up(pairs[0][0], error)

    async def _attempt(self, pairs: Sequence[Pair]) -> Exception | None:
        try:
            await self._persist(lambda: self.handle([event for _, event in pairs]))
        except Exception as error:  # noqa: BLE001 - every failure ends in a dead letter or a wait
            return error
        self.rejected = self.unexpected = 0
        self.bus.health.ready(self.part)
        return None

    def _everything_fails(self, error: Exception) -> bool:
        """A `Rejected` is the record's fault; too many other errors in a row are our own."""
        if isinstance(error, Rejected):
            return False
        self.unexpected += 1
        logger.error("unexpected", topic=self.topic.name, exc_info=error)
        return self.unexpected > UNEXPECTED_LIMIT

    async def _persist(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, waiting as long as something outside is away."""
        wait = 0.1
        while True:
            try:
                return await work()
            except Transient as error:
                self.bus.health.waiting(self.part, str(error))
                logger.warning("waiting", topic=self.topic.name, reason=str(error), seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)

    async def _give_up(self, record: Raw, error: Exception) -> None:
        """Publish the dead letter. Too many in a row mean that not the records are at fault."""
        self.rejected += 1
        while self.rejected > REJECTED_LIMIT:
            await self._stand_still(f"{self.rejected} dead letters in a row, last: {error}")
        letter = DeadLetter.of(record, group=self.bus.service, error=error)
        await self._persist(lambda: self.bus.sender.send([dead_letter(letter)]))
        DEAD_LETTERED.labels(self.topic.name, self.bus.service).inc()
        logger.warning(
            "dead letter", topic=record.topic, offset=record.offset, error=type(error).__name__
        )

    async def _stand_still(self, reason: str) -> None:
        self.bus.health.waiting(self.part, f"consumption stopped: {reason}")
        await asyncio.sleep(_LONGEST_WAIT_SECONDS)
