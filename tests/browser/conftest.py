"""The service on engines of its own, and a browser before it."""

from collections.abc import AsyncIterator

import pytest

from tests.support.browser.queued_cases import SETTINGS
from tests.support.browser.workplace import Workplace, workplace
from tests.support.engines.lifecycle import fresh_database, own_engines


@pytest.fixture(scope="session")
async def opened() -> AsyncIterator[Workplace]:
    """Kafka and PostgreSQL hold nothing that another test has left."""
    with own_engines() as engines:
        url = engines.environment["DATABASE_URL"]
        async with (
            fresh_database(url) as database,
            workplace(engines.environment, database, **SETTINGS) as place,
        ):
            yield place


@pytest.fixture
async def place(opened: Workplace) -> AsyncIterator[Workplace]:
    """An empty queue, and afterwards no page that complained."""
    await opened.revive()
    await opened.empty()
    opened.errors.clear()
    yield opened
    for context in opened.browser.contexts:
        for page in context.pages:
            await page.unroute_all(behavior="ignoreErrors")
        await context.close()
    assert opened.errors == []
