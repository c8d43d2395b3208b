"""One inference service for each module, and two linear versions in object storage."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from deploy.prepare import prepare
from services.inference.app import create_app
from services.inference.settings import Settings
from shared.events import TrainedModel
from shared.settings import EngineSettings, engine_settings
from shared.storage.artifacts import Artifacts
from tests.connected.inference.harness import AS_SERVICE, TOKENS
from tests.support.models.linear import store_linear_model
from tests.support.patience import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def settings(engines: dict[str, str], database: str) -> EngineSettings:
    found = engine_settings({**engines, "DATABASE_URL": database})
    prepare(found)
    return found


@pytest.fixture(scope="module")
async def app(
    settings: EngineSettings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FastAPI]:
    app = create_app(
        Settings.model_validate(
            {
                "engines": settings,
                "model_cache": tmp_path_factory.mktemp("cache"),
                "API_TOKENS": TOKENS,
            }
        )
    )
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=AS_SERVICE, timeout=PATIENCE_SECONDS
    ) as client:
        yield client


@pytest.fixture(scope="module")
def artifacts(settings: EngineSettings) -> Artifacts:
    return Artifacts(settings)


@pytest.fixture(scope="module")
def first(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return store_linear_model(artifacts, tmp_path_factory.mktemp("first"), "adjudication-v1.0")


@pytest.fixture(scope="module")
def second(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return store_linear_model(artifacts, tmp_path_factory.mktemp("second"), "adjudication-v1.1")
