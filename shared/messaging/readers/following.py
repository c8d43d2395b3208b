"""Reads a topic of one partition without a group, from its beginning or its end, and follows it.

No commits: each process reads for itself. A reader that falls behind and stays there is replaced: a
`stop` that nobody reads would stop nothing. What does not unpack, however often it is fetched, is
passed over and said in the health: whoever waited for it would never have read the rest.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import Transient, words_of
from shared.health import Health
from shared.messaging.readers.partition_reader import does_not_unpack
from shared.messaging.topic_check import find_faults
from shared.messaging.topics import READ_COMMITTED, Topic
from shared.settings import EngineSettings
from shared.telemetry import logger

Take = Callable[["ConsumerRecord[Any, Any]"], Awaitable[None]]
Offsets = Mapping[TopicPartition, int]
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_ANSWER_SECONDS = 10.0
_POLL_MS = 500
_RECORDS_AT_A_TIME = 500
_TRIES = 3  # to unpack, each time fetched anew
_PARTITIONS_KNOWN_MS = 10_000  # how old the knowledge of them may be


@dataclass
class Follower:
    """Hands every record of `topic` to `take`, in order. `part` is its name in the health.

    `caught_up` is set once all that stood there when it was last asked has been taken.
    """

    settings: EngineSettings
    health: Health
    topic: Topic
    client_id: str
    part: str
    take: Take
    from_beginning: bool = True
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._partitions = [TopicPartition(self.topic.name, 0)]
        self._failures: Counter[tuple[TopicPartition, int]] = Counter()
        # By time.monotonic: what stood on the topic then has been taken; who waits asked then.
        self._current_as_of = self._asked = -math.inf
        self._looked = asyncio.Event()
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

    async def read_until_now(self) -> None:
        """Return once all that stands on the topic at this moment has been taken, however long the
        broker is away."""
        self._asked = asked = time.monotonic()
        while self._current_as_of < asked:
            self._looked.clear()
            await self._looked.wait()

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
            metadata_max_age_ms=_PARTITIONS_KNOWN_MS,
            isolation_level=READ_COMMITTED,
        )
        await consumer.start()
        try:
            consumer.assign(self._partitions)
            seek = consumer.seek_to_beginning if self.from_beginning else consumer.seek_to_end
            await seek(*self._partitions)
            while True:
                await self._add_partitions(consumer)
                await self._read_for_a_while(consumer)
        finally:
            await consumer.stop()

    async def _add_partitions(self, consumer: AIOKafkaConsumer) -> None:
        """Read those that somebody has added, too, from their beginning: who writes uses them."""
        known = consumer.partitions_for_topic(self.topic.name) or set()
        added = [TopicPartition(self.topic.name, number) for number in sorted(known)]
        added = [partition for partition in added if partition not in self._partitions]
        if not added:
            return
        positions = await self._positions(consumer)
        self._partitions = [*self._partitions, *added]
        consumer.assign(self._partitions)
        for partition, position in positions.items():
            consumer.seek(partition, position)
        await consumer.seek_to_beginning(*added)
        for fault in find_faults(self.topic.required, len(self._partitions), self.topic.config):
            self.health.alert(f"partitions of {self.topic.name}", fault)
            logger.error("partitions were added", topic=self.topic.name, reason=fault)

    async def _read_for_a_while(self, consumer: AIOKafkaConsumer) -> None:
        """Read for a while; `Transient` if records waited all the time and none came."""
        looked = time.monotonic()
        start = positions = await self._positions(consumer)
        ends = await self._ends(consumer)
        while time.monotonic() < looked + _LOOK_SECONDS and not self._is_asked_anew(looked):
            if self._current_as_of < looked and _reaches(positions, ends):
                ends = await self._ends(consumer)  # it may have been told too low
                if _reaches(positions, ends):
                    self._is_current(looked)
            for partition in self._partitions:
                await self._take_some(consumer, partition)
            positions = await self._positions(consumer)
        stuck = [each for each in ends if start[each] == positions[each] < ends[each]]
        if stuck:
            waiting = sum(ends[each] - positions[each] for each in stuck)
            raise Transient(f"{waiting} records wait and none is read")

    def _is_asked_anew(self, looked: float) -> bool:
        """Whether somebody wants to know of a moment after that of this look, which is done."""
        return self._asked > looked and self._current_as_of >= looked

    def _is_current(self, as_of: float) -> None:
        self._current_as_of = as_of
        self._looked.set()
        self.caught_up.set()
        self.health.ready(self.part)

    async def _positions(self, consumer: AIOKafkaConsumer) -> Offsets:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return {each: await consumer.position(each) for each in self._partitions}

    async def _ends(self, consumer: AIOKafkaConsumer) -> Offsets:
        """By what the broker answers, and by what it said with the last records."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            told: Offsets = await consumer.end_offsets(self._partitions)
        stable = {each: consumer.last_stable_offset(each) or 0 for each in self._partitions}
        return {each: max(end, stable[each]) for each, end in told.items()}

    async def _take_some(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
        """One by one, so that what does not unpack costs none of those before it."""
        for _ in range(_RECORDS_AT_A_TIME):
            try:
                batches = await consumer.getmany(partition, timeout_ms=_POLL_MS, max_records=1)
            except Exception as error:
                if not does_not_unpack(error):
                    raise
                await self._fetch_again(consumer, partition, error)
                return
            if not (records := batches.get(partition)):
                return
            await self.take(records[0])

    async def _fetch_again(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, error: Exception
    ) -> None:
        """From the same place, and after some tries from the next: a batch may have several."""
        offset = await consumer.position(partition)
        self._failures[partition, offset] += 1
        if self._failures[partition, offset - 1] >= _TRIES:  # a record of the same batch
            self._failures[partition, offset] = _TRIES
        reason = f"cannot be unpacked at offset {offset}: {type(error).__name__}"
        if self._failures[partition, offset] < _TRIES:
            consumer.seek(partition, offset)
        else:
            consumer.seek(partition, offset + 1)
            reason = f"{reason}; passed over, so what it said is not known"
            self.health.alert(f"read {partition.topic}/{partition.partition}", reason)
        logger.error("not unpacked", part=self.part, reason=reason)


def _reaches(positions: Offsets, ends: Offsets) -> bool:
    return all(positions[each] >= end for each, end in ends.items())
