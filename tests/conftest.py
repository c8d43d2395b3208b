"""What every test can ask for: the engines, started once a run, and an empty database."""

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from tests.support.engines import fresh_database, running_engines

# A busy machine is no failure: speed is measured in `make bench`.
settings.register_profile("caseloop", deadline=None)
settings.load_profile("caseloop")


@pytest.fixture(scope="session")
def engines() -> Iterator[dict[str, str]]:
    """The engines' settings, by the names that the services read (`KAFKA_BOOTSTRAP`, …)."""
    with running_engines() as environment:
        yield environment


@pytest.fixture(scope="module")
async def database(engines: dict[str, str]) -> AsyncIterator[str]:
    """The URL of an empty database of the module's own."""
    async with fresh_database(engines["DATABASE_URL"]) as url:
        yield url
