"""What the services left behind: rows in their tables, events in the topics that they publish to,
records in their dead-letter topics."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messaging.dead_letters import DeadLetter
from shared.messaging.topics import PREDICTIONS_MADE, dead_letter_topic
from tests.connected.behavior.consumers import CONSUMERS, Consumer
from tests.support.patience import PATIENCE_SECONDS, until

_MOMENT_SECONDS = 1.0
_PUBLISHERS = {c.publishes.name: c.service for c in CONSUMERS if c.publishes is not None}


@dataclass
class Marks:
    url: str
    connection: "asyncpg.Connection[asyncpg.Record]"
    letters: AIOKafkaConsumer
    published: AIOKafkaConsumer
    events: dict[tuple[str, str], set[bytes]] = field(default_factory=dict)  # by service and key

    @classmethod
    @asynccontextmanager
    async def of(cls, environment: Mapping[str, str]) -> "AsyncIterator[Marks]":
        connection = await asyncpg.connect(environment["DATABASE_URL"])
        letters, published = (
            AIOKafkaConsumer(
                bootstrap_servers=environment["KAFKA_BOOTSTRAP"],
                enable_auto_commit=False,
                max_partition_fetch_bytes=4 * 1024 * 1024,
            )
            for _ in range(2)
        )
        await letters.start()
        await published.start()
        marks = cls(environment["DATABASE_URL"], connection, letters, published)
        try:
            yield marks
        finally:
            await published.stop()
            await letters.stop()
            await marks.connection.close()

    async def reconnect(self) -> None:
        """After PostgreSQL was away."""
        if self.connection.is_closed():
            self.connection = await asyncpg.connect(self.url)

    async def counts(self, consumer: Consumer, keys: Sequence[str]) -> Counter[str]:
        """How many marks each key left, once all have left one or patience is over."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            rows = await self.connection.fetch(consumer.rows, list(keys))
            found = Counter(row[0] for row in rows)
            if len(found) == len(keys) or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.1)

    async def found(self, table: str, column: str, value: str, *statuses: str) -> None:
        """Return once the table has a row of that value and of one of these statuses."""
        query = f"SELECT 1 FROM {table} WHERE {column} = $1 AND status = ANY($2)"
        await until(lambda: self.connection.fetchval(query, value, statuses))

    async def contents(self, consumer: Consumer, keys: Sequence[str]) -> dict[str, int]:
        """How many different events each key has in the topic that the service publishes to.

        Read until each key has one or patience is over, and then a moment longer.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if all((consumer.service, key) in self.events for key in keys):
                deadline = min(deadline, time.monotonic() + _MOMENT_SECONDS)
            await self._read_events()
        return {key: len(self.events.get((consumer.service, key), ())) for key in keys}

    async def _read_events(self) -> None:
        if not self.published.assignment():
            await self._assign_published()
        for place, records in (await self.published.getmany(timeout_ms=300)).items():
            for record in records:
                key = (_PUBLISHERS[place.topic], (record.key or b"").decode(errors="replace"))
                if key[1].startswith(key[0]):  # of the others, nobody asks
                    self.events.setdefault(key, set()).add(_content(place.topic, record.value))

    async def _assign_published(self) -> None:
        topics = [c.publishes for c in CONSUMERS if c.publishes is not None]
        partitions = [TopicPartition(t.name, n) for t in topics for n in range(t.partitions)]
        self.published.assign(partitions)
        await self.published.seek_to_beginning()

    async def dead_letters(
        self, consumer: Consumer, *, wanted: Callable[[DeadLetter], bool], count: int
    ) -> list[DeadLetter]:
        """The wanted dead letters, once there are `count` or patience is over; a record that was
        delivered twice has two, of which the last is given."""
        partition = TopicPartition(dead_letter_topic(consumer.topic.name, consumer.service), 0)
        self.letters.assign([partition])
        await self.letters.seek_to_beginning()
        found: dict[tuple[int, int], DeadLetter] = {}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(found) < count and time.monotonic() < deadline:
            for records in (await self.letters.getmany(timeout_ms=500)).values():
                letters = [DeadLetter.read(r.key, r.value, dict(r.headers)) for r in records]
                found |= {(e.partition, e.offset): e for e in letters if wanted(e)}
        return list(found.values())


def _content(topic: str, value: bytes) -> bytes:
    """What must be the same whenever an event is sent again.

    A case that is handed in again is scored again, at another time; all others leave by outbox.
    """
    if topic != PREDICTIONS_MADE.name:
        return value
    return orjson.dumps({**orjson.loads(value), "occurred_at": None})
