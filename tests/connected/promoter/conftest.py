"""Two processes' worth of the promoter on one database, empty for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.connected.promoter.harness import Promoter, running


@pytest.fixture
async def promoter(engines: dict[str, str], database: str) -> AsyncIterator[Promoter]:
    async with running(engines, database) as found:
        await found.empty()
        yield found


@pytest.fixture
async def second(
    engines: dict[str, str], database: str, promoter: Promoter
) -> AsyncIterator[Promoter]:
    async with running(engines, database) as found:
        yield found
