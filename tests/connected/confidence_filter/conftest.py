"""Two processes' worth of the filter on one database, empty for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.connected.confidence_filter.harness import Filter, running


@pytest.fixture
async def one(database: str) -> AsyncIterator[Filter]:
    async with running(database) as found:
        await found.empty()
        yield found


@pytest.fixture
async def other(database: str, one: Filter) -> AsyncIterator[Filter]:
    async with running(database) as found:
        yield found
