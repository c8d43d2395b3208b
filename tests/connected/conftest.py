"""What the connected tests share."""

import pytest

from deploy.prepare import prepare
from shared.settings import EngineSettings, engine_settings


@pytest.fixture(scope="module")
def settings(engines: dict[str, str]) -> EngineSettings:
    """Of the engines, on which topics and buckets are there."""
    found = engine_settings(engines)
    prepare(found)
    return found
