"""Notices that the consumer has stopped reading although records wait for it.

Its library gets over nearly everything by itself, but its background tasks can end without a word
(seen once after a broker was killed). A service may be killed at any moment and loses nothing by
it, so it then ends itself, and what supervises it starts it anew.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError

from shared.telemetry import logger

_EXIT_CODE = 75  # "temporary failure", sysexits.h
_ANSWER_SECONDS = 5.0


def end_process() -> None:
    """End at once: what cannot read cannot be trusted to shut down either."""
    os._exit(_EXIT_CODE)


@dataclass
class Watchdog:
    """Watches the consumer of a FastStream subscriber."""

    subscriber: Any = None
    leave: Callable[[], None] = end_process
    look_seconds: float = 10.0
    patience_seconds: float = 60.0
    busy: bool = False
    batches: int = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A batch is being worked off; that takes as long as something outside is away."""
        self.busy, self.batches = True, self.batches + 1
        try:
            yield
        finally:
            self.busy = False

    async def run(self) -> None:
        """Look for ever whether the consumer still reads; leave if it does not."""
        seen, since = self.batches, time.monotonic()
        while True:
            await asyncio.sleep(self.look_seconds)
            if self.busy or self.batches != seen or not await self._records_wait():
                seen, since = self.batches, time.monotonic()
            elif time.monotonic() - since >= self.patience_seconds:
                logger.error("consumer stalled", seconds=self.patience_seconds)
                self.leave()

    async def _records_wait(self) -> bool:
        """Whether there are records in this process's partitions that it has not been given.

        False while Kafka does not answer: then there is nothing that could be read.
        """
        consumer = self.subscriber and self.subscriber.consumer
        if consumer is None:
            return False
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                ends = await consumer.end_offsets(consumer.assignment())
        except (KafkaError, TimeoutError):
            return False
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return any([await consumer.position(each) < end for each, end in ends.items()])
        except TimeoutError:  # it knows not even where it is
            return True
        except KafkaError:  # a partition has gone to another process meanwhile
            return False
