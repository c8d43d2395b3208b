"""Two processes' worth of the accumulator on one database, empty for each test."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.connected.dataset_accumulator.harness import Accumulator, running
from tests.connected.dataset_accumulator.import_harness import OPERATOR, app_of


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


@pytest.fixture
def app(accumulator: Accumulator, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    return app_of(accumulator, monkeypatch)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://accumulator", headers=OPERATOR, timeout=60
    ) as found:
        yield found
