"""Engines that are ready for a trainer."""

import pytest

from deploy.prepare import prepare
from shared.settings import EngineSettings, engine_settings
from shared.storage.artifacts import Artifacts


@pytest.fixture(scope="module")
def engine(engines: dict[str, str], database: str) -> EngineSettings:
    found = engine_settings({**engines, "DATABASE_URL": database})
    prepare(found)
    return found


@pytest.fixture(scope="module")
def artifacts(engine: EngineSettings) -> Artifacts:
    return Artifacts(engine)
