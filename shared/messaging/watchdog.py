"""Looks at the consumer from outside: how far it is behind, and whether it still reads.

Its library gets over nearly everything by itself, but its background tasks can end without a word
(seen once after a broker was killed). A service may be killed at any moment and loses nothing by
it, so it then ends itself, and its supervisor starts it again.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.telemetry import LAG, logger

_EXIT_CODE = 75  # "temporary failure", sysexits.h
_ANSWER_SECONDS = 5.0


def end_process() -> None:
    """End at once: what cannot read cannot be trusted to shut down either."""
    os._exit(_EXIT_CODE)


@dataclass
class Watchdog:
    """Watches the consumer of a FastStream subscriber, which is set once there is one."""

    group: str
    subscriber: Any = None
    leave: Callable[[], None] = end_process
    look_seconds: float = 10.0
    patience: int = 6  # looks in a row at which records wait and nothing is read
    busy: bool = False
    batches: int = 0
    had_partitions: bool = False

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A batch is being processed; that takes as long as an engine is unavailable."""
        self.busy, self.batches = True, self.batches + 1
        try:
            yield
        finally:
            self.busy = False

    async def run(self) -> None:
        """Look forever whether the consumer still reads; leave if it does not."""
        seen, idle = self.batches, 0
        while True:
            await asyncio.sleep(self.look_seconds)
            waits = await self._records_wait()
            idle = 0 if self.busy or self.batches != seen or not waits else idle + 1
            seen = self.batches
            if idle >= self.patience:
                logger.error("consumer stalled", looks=idle)
                self.leave()

    async def _records_wait(self) -> bool:
        """Whether records in this process's partitions have not been given to it; counts them.

        Also if it had partitions and has none: it may have dropped out of its group unawares.
        False while Kafka does not answer: then there is nothing that could be read. Partitions
        that are set aside wait for somebody to look, which no new process would change.
        """
        consumer = self.subscriber and self.subscriber.consumer
        partitions = consumer.assignment() if consumer else ()
        if not partitions:
            return self.had_partitions and await _answers(consumer)
        self.had_partitions = True
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                ends = await consumer.end_offsets(partitions)
        except (KafkaError, TimeoutError):
            return False
        behind: Counter[TopicPartition] = Counter()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                for partition, end in ends.items():
                    behind[partition] = max(0, end - await consumer.position(partition))
        except TimeoutError:  # it knows not even where it is
            return True
        except KafkaError:  # some partition has gone to another process, or it is broken
            return bool(partitions & consumer.assignment())
        lag: Counter[str] = Counter()
        for partition, records in behind.items():
            lag[partition.topic] += records
        for topic, records in lag.items():
            LAG.labels(topic, self.group).set(records)
        return any(behind[partition] for partition in behind.keys() - consumer.aside.keys())


async def _answers(consumer: Any) -> bool:
    """Whether Kafka is there to be asked for partitions."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await consumer.topics()
    except (KafkaError, TimeoutError):
        return False
    return True
