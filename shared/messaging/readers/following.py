"""Reads a topic of one partition without a group, from its beginning or its end, and follows it.

No commits: each process reads for itself. A reader that falls behind and stays there is replaced: a
`stop` that nobody reads would stop nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import Transient, words_of
from shared.health import Health
from shared.messaging.topics import READ_COMMITTED, Topic
from shared.settings import EngineSettings
from shared.telemetry import logger

Take = Callable[["ConsumerRecord[Any, Any]"], Awaitable[None]]
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_ANSWER_SECONDS = 10.0


@dataclass
class Follower:
    """Hands every record of `topic` to `take`, in order. `part` is its name in the health."""

    settings: EngineSettings
    health: Health
    topic: Topic
    client_id: str
    part: str
    take: Take
    from_beginning: bool = True
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._partition = TopicPartition(self.topic.name, 0)
        self._wait()

    async def run(self) -> None:
        """Follow the topic forever; whatever happens to the reader, start again with a new one."""
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError, Transient) as error:
                reason = words_of(error)
                self.health.waiting(self.part, reason)
                logger.warning(f"{self.part} wait", reason=reason)
                await asyncio.sleep(_RETRY_SECONDS)

    def _wait(self) -> None:
        self.health.waiting(self.part, f"reading the state of the {self.part}")

    async def _follow(self) -> None:
        self._wait()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap.split(","),
            client_id=self.client_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            isolation_level=READ_COMMITTED,
        )
        await consumer.start()
        try:
            consumer.assign([self._partition])
            seek = consumer.seek_to_beginning if self.from_beginning else consumer.seek_to_end
            await seek(self._partition)
            while True:
                await self._read_for_a_while(consumer)
        finally:
            await consumer.stop()

    async def _read_for_a_while(self, consumer: AIOKafkaConsumer) -> None:
        """Read for a while; `Transient` if records waited all the time and none came."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            start = position = await consumer.position(self._partition)
            end = (await consumer.end_offsets([self._partition]))[self._partition]
        until = time.monotonic() + _LOOK_SECONDS
        while time.monotonic() < until:
            if position >= end:
                self.caught_up.set()
                self.health.ready(self.part)
            batches = await consumer.getmany(self._partition, timeout_ms=500)
            for record in batches.get(self._partition, []):
                await self.take(record)
            async with asyncio.timeout(_ANSWER_SECONDS):
                position = await consumer.position(self._partition)
        if start == position < end:
            raise Transient(f"{end - position} records wait and none is read")
