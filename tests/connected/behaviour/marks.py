"""What the services left behind: rows in their tables, records in their dead-letter topics."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.dead_letter import DeadLetter
from shared.topics import dead_letter_topic
from tests.connected.behaviour.consumers import Consumer

_PATIENCE_SECONDS = 90.0


@dataclass
class Marks:
    url: str
    connection: "asyncpg.Connection[asyncpg.Record]"
    letters: AIOKafkaConsumer

    @classmethod
    @asynccontextmanager
    async def of(cls, environment: Mapping[str, str]) -> "AsyncIterator[Marks]":
        connection = await asyncpg.connect(environment["DATABASE_URL"])
        letters = AIOKafkaConsumer(
            bootstrap_servers=environment["KAFKA_BOOTSTRAP"],
            enable_auto_commit=False,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        await letters.start()
        try:
            marks = cls(environment["DATABASE_URL"], connection, letters)
            yield marks
        finally:
            await letters.stop()
            await marks.connection.close()

    async def reconnect(self) -> None:
        """After PostgreSQL was away."""
        if self.connection.is_closed():
            self.connection = await asyncpg.connect(self.url)

    async def counts(self, consumer: Consumer, keys: Sequence[str]) -> Counter[str]:
        """How many marks each key left, once all have left one or patience is over."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            rows = await self.connection.fetch(consumer.rows, list(keys))
            found = Counter(row[0] for row in rows)
            if len(found) == len(keys) or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.1)

    async def dead_letters(self, consumer: Consumer, *, since: int, count: int) -> list[DeadLetter]:
        """The dead letters from offset `since` on, once there are `count` or patience is over."""
        partition = self._partition(consumer)
        self.letters.assign([partition])
        self.letters.seek(partition, since)
        found: list[DeadLetter] = []
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(found) < count and time.monotonic() < deadline:
            for records in (await self.letters.getmany(timeout_ms=500)).values():
                found += [DeadLetter.read(r.key, r.value, dict(r.headers)) for r in records]
        return found

    async def end_of_dead_letters(self, consumer: Consumer) -> int:
        partition = self._partition(consumer)
        end: int = (await self.letters.end_offsets([partition]))[partition]
        return end

    def _partition(self, consumer: Consumer) -> TopicPartition:
        return TopicPartition(dead_letter_topic(consumer.topic.name, consumer.service), 0)
