"""A schema is brought up to date; what another version made of it is refused in clear words."""

from pathlib import Path

import pytest

from shared.database import Database
from shared.settings import EngineSettings, engine_settings


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

    with pytest.raises(RuntimeError, match=r"another version .* 0001_queue\.sql.*make reset"):
        await opened(settings, tmp_path / "other", "0001_reviews")
