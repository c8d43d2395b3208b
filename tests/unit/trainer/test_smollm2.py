"""The embedded base model as it is, out of its wheel. It learns in `make demo`."""

from pathlib import Path

import pytest

from shared.models.backend import BackendOptions
from shared.models.backends.registry import open_backend
from shared.models.base_model import SMOLLM2, materialize
from shared.tasks.task import Prompt
from tests.support.models.tiny_adapters import save_tiny_adapter

pytestmark = pytest.mark.slow


@pytest.fixture
def one_thread() -> None:
    """This model is large enough for all threads."""


@pytest.fixture
def smollm2(tmp_path: Path) -> Path:
    return materialize(SMOLLM2, tmp_path / "smollm2")


def test_it_comes_out_of_its_wheel_with_all_it_knows(smollm2: Path, tmp_path: Path) -> None:
    backend = open_backend("transformers", BackendOptions(base=smollm2, device="cpu"))
    backend.load("v0", save_tiny_adapter(smollm2, tmp_path / "adapter", seed=0, spread=0.0))
    capital = Prompt("Answer with one word.", "What is the capital of France?")
    cities = ("Paris", "Berlin", "Madrid")
    scores = backend.score("v0", [capital], cities)[0].log_probabilities
    assert max(scores, key=scores.__getitem__) == "Paris"
