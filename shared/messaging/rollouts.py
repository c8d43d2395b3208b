"""State topics: every process reads them whole before it takes work, and follows from there.

No group, no commits. A revision older than the newest seen is ignored. A reader that falls behind
and stays there is replaced: a `stop` that nobody reads would stop nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import Rejected, Transient, words_of
from shared.events import RolloutChanged
from shared.health import Health
from shared.messaging.encoding import decode
from shared.messaging.topics import ROLLOUTS_CHANGED
from shared.settings import EngineSettings
from shared.telemetry import logger

Listener = Callable[[RolloutChanged], Awaitable[None]]
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_ANSWER_SECONDS = 10.0
_PARTITION = TopicPartition(ROLLOUTS_CHANGED.name, 0)


class Rollouts:
    """The newest rollout of every task, as this process has read it."""

    def __init__(self, settings: EngineSettings, *, service: str, health: Health) -> None:
        self._settings = settings
        self._service = service
        self._health = health
        self._newest: dict[str, RolloutChanged] = {}
        self._listeners: list[Listener] = []
        self._caught_up = asyncio.Event()
        health.waiting("rollouts", "reading the state of the rollouts")

    def of(self, task: str) -> RolloutChanged | None:
        return self._newest.get(task)

    def on_change(self, listener: Listener) -> None:
        """Call `listener` for every newer revision, before later work sees it."""
        self._listeners.append(listener)

    async def caught_up(self) -> None:
        """Return once everything that stood in the topic at the start has been read."""
        await self._caught_up.wait()

    async def run(self) -> None:
        """Follow the topic forever; whatever happens to the reader, start again with a new one."""
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError, Transient) as error:
                reason = words_of(error)
                self._health.waiting("rollouts", reason)
                logger.warning("rollouts wait", reason=reason)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        self._health.waiting("rollouts", "reading the state of the rollouts")
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap.split(","),
            client_id=f"caseloop-{self._service}-rollouts",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        await consumer.start()
        try:
            consumer.assign([_PARTITION])
            await consumer.seek_to_beginning(_PARTITION)
            while True:
                await self._read_for_a_while(consumer)
        finally:
            await consumer.stop()

    async def _read_for_a_while(self, consumer: AIOKafkaConsumer) -> None:
        """Read for a while; `Transient` if records waited all the time and none came."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            start = position = await consumer.position(_PARTITION)
            end = (await consumer.end_offsets([_PARTITION]))[_PARTITION]
        until = time.monotonic() + _LOOK_SECONDS
        while time.monotonic() < until:
            if position >= end:
                self._caught_up.set()
                self._health.ready("rollouts")
            batches = await consumer.getmany(_PARTITION, timeout_ms=500)
            for record in batches.get(_PARTITION, []):
                await self._apply(record.value)
            async with asyncio.timeout(_ANSWER_SECONDS):
                position = await consumer.position(_PARTITION)
        if start == position < end:
            raise Transient(f"{end - position} records wait and none is read")

    async def _apply(self, value: bytes | None) -> None:
        try:
            rollout = decode(value, RolloutChanged)
        except Rejected as error:
            self._health.alert("rollouts", f"a state record cannot be read: {error}")
            logger.error("unreadable rollout", reason=str(error))
            return
        known = self._newest.get(rollout.task)
        if known is not None and known.revision >= rollout.revision:
            return
        self._newest[rollout.task] = rollout
        for listener in self._listeners:
            await listener(rollout)
