"""Outgoing events, written in the transaction of the state they report, sent by `relay.py`.

Events of a service leave in the order of their rows. A crash between sending and deleting sends
an event again, with the same `event_id`.
"""

import asyncio
from collections.abc import Sequence

from shared.events import Event
from shared.messaging.encoding import encode, headers_json
from shared.messaging.leadership import LEASE_TABLE
from shared.storage.database import SCHEMA_LOCK, Connection, Database

TABLE = """
CREATE TABLE IF NOT EXISTS {schema}.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    headers text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
)"""
# In a schema of the version before.
STORED_AT = """
ALTER TABLE {schema}.outbox
    ADD COLUMN IF NOT EXISTS stored_at timestamptz NOT NULL DEFAULT now()"""


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
            for statement in (TABLE, STORED_AT, LEASE_TABLE):
                await connection.execute(statement.format(schema=self.schema))
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
