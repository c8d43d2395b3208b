"""Databases for measures that need two of different size, side by side."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from shared.messaging.outbox import Outbox
from shared.settings import engine_settings
from shared.storage.database import Database
from tests.support.engines.lifecycle import fresh_database


@asynccontextmanager
async def service_database(
    environment: Mapping[str, str], *, schema: str, migrations: Path, connections: int = 4
) -> AsyncIterator[tuple[Database, Outbox]]:
    """A service's schema in a database of its own."""
    async with fresh_database(environment["DATABASE_URL"]) as url:
        settings = engine_settings({**environment, "DATABASE_URL": url})
        database = Database(settings, schema=schema, migrations=migrations, connections=connections)
        await database.open()
        outbox = Outbox(database, service=schema)
        await outbox.create()
        try:
            yield database, outbox
        finally:
            await database.close()
