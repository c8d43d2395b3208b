"""A trainer in this process, as the tests of it use it."""

import asyncio
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from services.trainer.app import create_app
from services.trainer.settings import Settings
from shared.events import DatasetReleased
from shared.messaging.encoding import encode
from shared.messaging.producer import Producer
from shared.settings import EngineSettings
from tests.support.patience import PATIENCE_SECONDS

TOKENS = "ops:observe+operate:operator-token-000"
STATUSES = ("queued", "running", "succeeded", "failed", "merged")
AS_OPERATOR = {"Authorization": "Bearer operator-token-000"}


@asynccontextmanager
async def trainer(
    engine: EngineSettings, directory: Path, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A running trainer, and a client of its API."""
    app = create_app(
        Settings.model_validate(
            {
                "engines": engine,
                "work_directory": directory,
                "strategy": "linear",
                "lease_seconds": PATIENCE_SECONDS,
                "API_TOKENS": TOKENS,
                **settings,
            }
        )
    )
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=AS_OPERATOR
        ) as client,
    ):
        yield client


async def publish(engine: EngineSettings, released: DatasetReleased) -> None:
    producer = Producer(engine, client_id="test")
    await producer.start()
    await producer.send([encode(released, source="test")])
    await producer.stop()


async def ended(client: httpx.AsyncClient, version: str) -> dict[str, Any]:
    """The run of this dataset version, once it is over."""
    return await known(client, version, ("succeeded", "failed", "merged"))


async def known(
    client: httpx.AsyncClient, version: str, status: Container[str] = STATUSES
) -> dict[str, Any]:
    """The run of this dataset version, once there is one in such a status."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for run in (await client.get("/v1/runs")).json():
                if run["dataset_version"] == version and run["status"] in status:
                    found: dict[str, Any] = run
                    return found
            await asyncio.sleep(0.1)
