"""Outgoing events, written in the transaction of the state they report, sent by one relay.

Events of a service leave in the order of their rows. A crash between sending and deleting sends
an event again, with the same `event_id`.
"""

import asyncio
from collections.abc import Sequence
from zlib import crc32

import asyncpg
import orjson

from shared.errors import Transient
from shared.events import Event
from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.encoding import Record, encode, headers_json
from shared.storage.database import AWAY, SCHEMA_LOCK, Connection, Database
from shared.telemetry import logger

TABLE = """
CREATE TABLE IF NOT EXISTS {schema}.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    headers text NOT NULL
)"""
_BATCH = 1000
_POLL_SECONDS = 1.0


class Outbox:
    """The table `outbox` of a service's schema."""

    def __init__(self, database: Database, *, service: str) -> None:
        self.database = database
        self.service = service
        self.schema = database.schema
        self.channel = f"outbox_{database.schema}"
        self.created = asyncio.Event()

    async def create(self) -> None:
        async with self.database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", SCHEMA_LOCK)
            await connection.execute(TABLE.format(schema=self.schema))
        self.created.set()

    async def add(self, connection: Connection, events: Sequence[Event]) -> None:
        """Store events with the caller's transaction; they leave once it commits."""
        if not events:
            return
        records = [encode(event, source=self.service) for event in events]
        await connection.execute(
            f"INSERT INTO {self.schema}.outbox (topic, key, value, headers) "  # noqa: S608
            "SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[])",
            [record.topic for record in records],
            [record.key for record in records],
            [record.value for record in records],
            [headers_json(record) for record in records],
        )
        await connection.execute(f"NOTIFY {self.channel}")


class Relay:
    """Sends what is in the outbox. Of several processes one is elected, by advisory lock."""

    def __init__(self, outbox: Outbox, bus: Bus, health: Health) -> None:
        self.outbox = outbox
        self.bus = bus
        self.health = health
        self._lock = crc32(f"relay {outbox.schema}".encode())

    async def run(self) -> None:
        """Relay forever; when the database or Kafka is unavailable, wait and start over."""
        await self.outbox.created.wait()
        while True:
            try:
                await self._relay()
            except (Transient, asyncpg.PostgresError, *AWAY) as error:
                self.health.waiting("outbox", f"cannot send events: {error}")
                logger.warning("outbox waits", reason=str(error))
                await asyncio.sleep(_POLL_SECONDS)

    async def _relay(self) -> None:
        connection = await self.outbox.database.connect()
        try:
            notified = asyncio.Event()
            await connection.add_listener(self.outbox.channel, lambda *_: notified.set())
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock):
                self.health.ready("outbox")
                await asyncio.sleep(_POLL_SECONDS)
            while True:
                notified.clear()
                if await self._send_batch(connection) == 0:
                    self.health.ready("outbox")
                    await _wait_at_most(notified, seconds=_POLL_SECONDS)
        finally:
            await connection.close(timeout=2)

    async def _send_batch(self, connection: "asyncpg.Connection[asyncpg.Record]") -> int:
        rows = await connection.fetch(
            f"SELECT id, topic, key, value, headers FROM {self.outbox.schema}.outbox "  # noqa: S608
            "ORDER BY id LIMIT $1",
            _BATCH,
        )
        if rows:
            await self.bus.producer.send(
                [Record(r["topic"], r["key"], r["value"], orjson.loads(r["headers"])) for r in rows]
            )
            await connection.execute(
                f"DELETE FROM {self.outbox.schema}.outbox WHERE id = ANY($1)",  # noqa: S608
                [row["id"] for row in rows],
            )
        return len(rows)


async def _wait_at_most(event: asyncio.Event, *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
