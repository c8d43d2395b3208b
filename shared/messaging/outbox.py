"""Outgoing events, written in the transaction of the state they report, sent by `relay.py`.

Events of a service leave in the order of their rows. A crash between sending and deleting sends
an event again, with the same `event_id`.
"""

import asyncio
from collections.abc import Sequence

from shared.events import Event
from shared.messaging.encoding import encode, headers_json
from shared.messaging.leadership import LEASE_TABLE
from shared.storage.database import Connection, Database
from shared.storage.migrations import lock_schemas

_TABLE = """
CREATE TABLE IF NOT EXISTS {schema}.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    headers text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
)"""
# In a schema of the version before.
_STORED_AT = """
ALTER TABLE {schema}.outbox
    ADD COLUMN IF NOT EXISTS stored_at timestamptz NOT NULL DEFAULT now()"""


async def create_tables(connection: Connection, schema: str) -> None:
    """The outbox of a schema, and the lease of its relay."""
    for statement in (_TABLE, _STORED_AT, LEASE_TABLE):
        await connection.execute(statement.format(schema=schema))


class Outbox:
    """The table `outbox` of a service's schema."""

    def __init__(self, database: Database, *, service: str) -> None:
        self.database = database
        self.service = service
        self.schema = database.schema
        self.channel = f"outbox_{database.schema}"
        self.created = asyncio.Event()

    async def create(self) -> None:
        """Make the tables. Where this role may not, `deploy.prepare` made them with the schema."""
        if self.database.may_create:
            async with self.database.transaction() as connection:
                await lock_schemas(connection)
                await create_tables(connection, self.schema)
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
