"""A trainer in this process, as the tests of it use it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from services.trainer.app import create_app
from services.trainer.settings import Settings
from shared.encoding import encode
from shared.events import DatasetReleased
from shared.sender import Sender
from shared.settings import EngineSettings

TOKENS = "ops:operator:operator-token-000"
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
                "lease_seconds": 5,
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
    sender = Sender(engine, client_id="test")
    await sender.start()
    await sender.send([encode(released, source="test")])
    await sender.stop()


async def ended(client: httpx.AsyncClient, version: str) -> dict[str, Any]:
    """The run of this dataset version, once it is over."""
    async with asyncio.timeout(120):
        while True:
            runs = (await client.get("/v1/runs")).json()
            found = [run for run in runs if run["dataset_version"] == version]
            if found and found[0]["status"] in {"succeeded", "failed", "merged"}:
                run: dict[str, Any] = found[0]
                return run
            await asyncio.sleep(0.1)
