"""The service on engines of its own, and a browser before it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.browser import Workplace, workplace
from tests.support.engines import fresh_database, own_engines


@pytest.fixture(scope="session")
def own() -> Iterator[dict[str, str]]:
    """Kafka then holds nothing that another test has left."""
    with own_engines() as engines:
        yield engines.environment


@pytest.fixture(scope="module")
async def opened(own: dict[str, str], request: pytest.FixtureRequest) -> AsyncIterator[Workplace]:
    """With the service's settings that the module names in `SETTINGS`."""
    async with (
        fresh_database(own["DATABASE_URL"]) as database,
        workplace(own, database, **request.module.SETTINGS) as place,
    ):
        yield place


@pytest.fixture
async def place(opened: Workplace) -> AsyncIterator[Workplace]:
    """An empty queue, and afterwards no page that complained."""
    await opened.empty()
    opened.errors.clear()
    yield opened
    for context in opened.browser.contexts:
        for page in context.pages:
            await page.unroute_all(behavior="ignoreErrors")
        await context.close()
    assert opened.errors == []
