"""A run that two processes reach for at once: what one has finished, the other does not take."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.trainer.app import MIGRATIONS, NAME
from services.trainer.store import Store, TrainingRun
from shared.events import ArtifactRef, DatasetReleased
from shared.messaging.outbox import Outbox
from shared.settings import EngineSettings
from shared.storage.database import Database
from tests.support.builders.announcements import read_models
from tests.support.builders.events import NOW
from tests.support.patience import PATIENCE_SECONDS

_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
_RELEASED = DatasetReleased(
    occurred_at=NOW,
    task="adjudication",
    dataset_version="adjudication-d1",
    number=1,
    trigger="test:1",
    manifest=ArtifactRef(uri="s3://datasets/manifest.json", sha256="0" * 64, size_bytes=1),
    counts={},
    new_labels=1,
)


@pytest.fixture
async def parts(database: str) -> AsyncIterator[Database]:
    opened = Database(
        EngineSettings.model_validate({"database_url": database}),
        schema=NAME,
        migrations=MIGRATIONS,
    )
    await opened.open()
    yield opened
    await opened.close()


def store(database: Database, owner: str) -> Store:
    return Store(database, Outbox(database, service=NAME), read_models(), owner=owner)


async def lapsed(database: Database) -> TrainingRun:
    """A run whose worker is late with its heartbeat, but not gone."""
    await store(database, "late").outbox.create()
    await store(database, "late").enqueue(_RELEASED)
    run = await store(database, "late").lease(limit=1, seconds=-1)
    assert run is not None
    return run


async def test_a_run_that_ends_while_it_is_taken_over_stays_ended(parts: Database) -> None:
    run, late = await lapsed(parts), store(parts, "late")
    async with parts.transaction() as connection:
        await late.table.succeed(connection, run, version="adjudication-v1.0")
        taking = asyncio.create_task(store(parts, "eager").lease(limit=1, seconds=60))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await connection.fetchval(_WAITING):  # it has chosen, and waits for the row
                await asyncio.sleep(0.01)

    assert await taking is None
    assert [row["status"] for row in await late.runs(None)] == ["succeeded"]
