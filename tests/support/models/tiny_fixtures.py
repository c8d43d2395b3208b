"""Fixtures for tests of tiny language models; a conftest names those that its tests want."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.support.models.tiny_base_model import save_tiny_base


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads only get into each other's way on a model this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("tiny-base"))
