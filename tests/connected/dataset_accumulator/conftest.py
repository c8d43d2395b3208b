"""Two processes' worth of the accumulator on one database, empty for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.connected.dataset_accumulator.harness import Accumulator, running


@pytest.fixture
async def accumulator(engines: dict[str, str], database: str) -> AsyncIterator[Accumulator]:
    async with running(engines, database) as found:
        await found.empty()
        yield found


@pytest.fixture
async def second(
    engines: dict[str, str], database: str, accumulator: Accumulator
) -> AsyncIterator[Accumulator]:
    async with running(engines, database) as found:
        yield found
