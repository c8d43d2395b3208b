"""State topics: every process reads them whole before it takes work, and follows from there.

No group, no commits. A revision older than the newest seen is ignored.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.encoding import decode
from shared.errors import Rejected
from shared.events import RolloutChanged
from shared.health import Health
from shared.settings import EngineSettings
from shared.telemetry import logger
from shared.topics import ROLLOUTS_CHANGED

Listener = Callable[[RolloutChanged], Awaitable[None]]
_RETRY_SECONDS = 1.0


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

    def all(self) -> list[RolloutChanged]:
        return list(self._newest.values())

    def on_change(self, listener: Listener) -> None:
        """Call `listener` for every newer revision, before later work sees it."""
        self._listeners.append(listener)

    async def caught_up(self) -> None:
        """Return once everything that stood in the topic at the start has been read."""
        await self._caught_up.wait()

    async def run(self) -> None:
        """Follow the topic for ever; when Kafka is away, wait and read it again."""
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError) as error:
                logger.warning("rollouts wait", reason=type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap.split(","),
            client_id=f"caseloop-{self._service}-rollouts",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        partition = TopicPartition(ROLLOUTS_CHANGED.name, 0)
        await consumer.start()
        try:
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            end = (await consumer.end_offsets([partition]))[partition]
            while True:
                if await consumer.position(partition) >= end and not self._caught_up.is_set():
                    self._caught_up.set()
                    self._health.ready("rollouts")
                batches = await consumer.getmany(partition, timeout_ms=500)
                for record in batches.get(partition, []):
                    await self._take(record.value)
        finally:
            await consumer.stop()

    async def _take(self, value: bytes | None) -> None:
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
