"""One tiny base model and two versions of it for all tests here."""

from pathlib import Path

import pytest

from tests.support.models.tiny_adapters import save_tiny_adapter
from tests.support.models.tiny_fixtures import one_thread, tiny_base

__all__ = ["one_thread", "tiny_base"]


@pytest.fixture(scope="session")
def tiny_adapters(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("tiny-adapters")
    return {
        version: save_tiny_adapter(tiny_base, directory / version, seed=seed)
        for seed, version in enumerate(("adjudication-v1.0", "adjudication-v1.1"))
    }
