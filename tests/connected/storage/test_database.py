"""A schema is brought up to date; what another version made of it is refused in clear words."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from errno import ENOSPC
from pathlib import Path

import asyncpg
import pytest

from shared.errors import Rejected, Transient
from shared.messaging.outbox import Outbox
from shared.settings import EngineSettings, engine_settings
from shared.storage.database import Database
from shared.storage.migrations import AnotherVersion
from tests.support.engines.lifecycle import own_engines
from tests.support.patience import PATIENCE_SECONDS


@pytest.fixture
def settings(engines: dict[str, str], database: str) -> EngineSettings:
    return engine_settings({**engines, "DATABASE_URL": database})


async def opened(settings: EngineSettings, folder: Path, *names: str) -> None:
    """Open the schema with migrations of these names, each of which makes a table."""
    folder.mkdir()
    for name in names:
        (folder / f"{name}.sql").write_text(f"CREATE TABLE grown.t_{name} (id integer)")
    found = Database(settings, schema="grown", migrations=folder)
    try:
        await found.open()
    finally:
        await found.close()


async def test_the_steps_of_a_schema(settings: EngineSettings, tmp_path: Path) -> None:
    await opened(settings, tmp_path / "first", "0001_queue")
    await opened(settings, tmp_path / "later", "0001_queue", "0002_notes")
    await opened(settings, tmp_path / "first-again", "0001_queue")

    with pytest.raises(AnotherVersion, match=r"another version .* 0001_queue\.sql.*make reset"):
        await opened(settings, tmp_path / "other", "0001_reviews")


async def test_processes_that_start_at_once_make_a_schema_once(
    settings: EngineSettings, tmp_path: Path
) -> None:
    async def start(schema: str) -> None:
        found = Database(settings, schema=schema, migrations=tmp_path)
        await found.open()
        await Outbox(found, service=schema).create()
        await found.close()

    for number in range(10):
        await asyncio.gather(*(start(f"made_{number}") for _ in range(6)))


@pytest.fixture
async def opened_database(settings: EngineSettings, tmp_path: Path) -> AsyncIterator[Database]:
    found = Database(settings, schema="asked", migrations=tmp_path)
    await found.open()
    yield found
    await found.close()


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT $1::integer", "Ann Example"),
        ("SELECT $1::text", "Ann Example\0"),
        ("SELECT $1::text::jsonb", "Ann Example"),
    ],
    ids=["of another type", "not text", "not JSON"],
)
async def test_a_value_that_cannot_be_stored_is_refused_and_not_quoted(
    opened_database: Database, statement: str, value: str
) -> None:
    with pytest.raises(Rejected, match="cannot take a value") as refused:
        async with opened_database.transaction() as connection:
            await connection.fetchval(statement, value)

    assert "Ann" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    "error", [OSError(ENOSPC, "disk full"), asyncpg.InterfaceError("a bug"), ValueError("a bug")]
)
async def test_an_error_that_is_not_the_servers_stays_what_it_is(
    opened_database: Database, error: Exception
) -> None:
    with pytest.raises(type(error)) as raised:
        async with opened_database.transaction():
            raise error

    assert raised.value is error


@pytest.mark.slow
async def test_whoever_asks_while_the_server_is_killed_hears_that_it_is_away(
    tmp_path: Path,
) -> None:
    async def ask(database: Database) -> None:
        while True:
            try:
                async with database.transaction() as connection:
                    for _ in range(3):
                        await connection.fetchval("SELECT count(*) FROM generate_series(1, 1000)")
            except Transient:
                away.add(asyncio.current_task())
            await asyncio.sleep(0.01)

    away: set[object] = set()
    with own_engines() as own:
        settings = engine_settings(own.environment)
        database = Database(settings, schema="asked", migrations=tmp_path)
        await database.open()
        asking = [asyncio.create_task(ask(database)) for _ in range(6)]
        kills = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while kills < 3 or not (away == set(asking) or any(task.done() for task in asking)):
                await asyncio.sleep(1)
                await asyncio.to_thread(own.kill, "postgres")
                kills += 1
        failed = [task.exception() for task in asking if task.done()]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await database.close()

    assert failed == []
    assert away == set(asking)
