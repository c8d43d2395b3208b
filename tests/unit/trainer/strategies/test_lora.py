"""An adapter of a model of a few thousand parameters: it learns, stops and resumes."""

import io
import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from services.trainer.progress import Progress, TrainingFailed
from services.trainer.strategies.lora_recipe import LoraRecipe
from services.trainer.train import run
from shared.errors import Rejected
from shared.models.backend import BackendOptions
from shared.models.backends.registry import open_backend
from shared.tasks.task import Prompt
from tests.support.models.tiny_base_model import save_tiny_base

pytestmark = pytest.mark.slow  # loads PyTorch

LABELS = ("APPROVED", "DENIED")
RECIPE = LoraRecipe(
    rank=8,
    alpha=16.0,
    epochs=2,
    least_steps=1,
    batch_cases=8,
    learning_rate=0.02,
    checkpoint_every=2,
    patience_cases=10,
)  # 12 steps: enough to see where they lead
THOROUGH = RECIPE.model_copy(update={"epochs": 8, "batch_cases": 4, "reason_weight": 1.0})

Train = Callable[..., dict[str, Any]]


class Killed(BaseException):
    """What a kill looks like from inside: nothing is cleaned up."""


class KillingStream(io.StringIO):
    """Kills the run when it reports that step."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def write(self, text: str) -> int:
        if f'"step": {self.step},' in text:
            raise Killed
        return super().write(text)


@pytest.fixture
def train(tiny_base: Path, tiny_data: Path, tmp_path: Path) -> Train:
    """Runs the recipe on the tiny task; the metrics."""

    def train(
        recipe: LoraRecipe, *, name: str = "out", stream: io.StringIO | None = None, **changes: Path
    ) -> dict[str, Any]:
        places = {"data": tiny_data, "base": tiny_base, "out": tmp_path / name, **changes}
        progress = Progress(stream or io.StringIO())
        return run(recipe, labels=LABELS, device="cpu", progress=progress, **places)

    return train


def _weights(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "adapter_model.safetensors")


def test_it_learns_and_leaves_everything_beside_the_adapter(
    train: Train, tiny_base: Path, tmp_path: Path
) -> None:
    metrics = train(THOROUGH)
    out = tmp_path / "out"
    assert metrics["validation_accuracy"] >= 0.95
    assert metrics["validation_losses"][-1][1] < 0.5 * metrics["validation_losses"][0][1]
    assert json.loads((out / "metrics.json").read_text()) == json.loads(json.dumps(metrics))
    assert LoraRecipe.model_validate_json((out / "recipe.json").read_text()) == THOROUGH
    assert sorted(path.name for path in out.iterdir()) == [
        *("adapter_config.json", "adapter_model.safetensors", "metrics.json", "recipe.json")
    ]
    backend = open_backend("transformers", BackendOptions(base=tiny_base, device="cpu"))
    backend.load("v1.0", out)
    prompt = Prompt("Decide the claim.", "the claim. Edits: all pass.")
    assert backend.explain("v1.0", prompt, "APPROVED") == "Edits pass."


def test_progress_says_where_the_run_stands(train: Train) -> None:
    stream = io.StringIO()
    train(RECIPE, stream=stream)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    steps = [line for line in lines if line["phase"] == "training"]
    assert [line["step"] for line in steps] == list(range(1, steps[0]["steps"] + 1))
    assert {"epoch", "loss", "validation_loss", "tokens_per_second"} <= steps[0].keys()
    assert steps[-1]["eta_seconds"] == 0
    assert lines[-1]["phase"] == "done"


@pytest.mark.parametrize(("step", "kept"), [(1, 0), (5, 4), (12, 12)])
def test_a_killed_run_ends_in_the_same_adapter(
    train: Train, tmp_path: Path, step: int, kept: int
) -> None:
    whole = train(RECIPE, name="whole")
    with pytest.raises(Killed):
        train(RECIPE, name="killed", stream=KillingStream(step))
    again = io.StringIO()
    resumed = train(RECIPE, name="killed", stream=again)
    done = [json.loads(line).get("step") for line in again.getvalue().splitlines()]
    assert [at for at in done if at] == list(range(kept + 1, 13))
    assert resumed["losses"] == pytest.approx(whole["losses"], abs=1e-3)
    for name, weight in _weights(tmp_path / "whole").items():
        assert torch.allclose(weight, _weights(tmp_path / "killed")[name], atol=1e-3)


def test_a_checkpoint_of_another_recipe_is_not_resumed(train: Train) -> None:
    with pytest.raises(Killed):
        train(RECIPE, stream=KillingStream(9))
    stream = io.StringIO()
    train(RECIPE.model_copy(update={"seed": 7}), stream=stream)
    assert json.loads(stream.getvalue().splitlines()[0])["step"] == 1


def test_the_same_seed_gives_the_same_adapter_and_another_one_another(
    train: Train, tmp_path: Path
) -> None:
    short = RECIPE.model_copy(update={"epochs": 1})
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(short.model_copy(update={"seed": seed}), name=name)
    a, b, c = (_weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


def test_a_loss_that_is_no_number_ends_the_run(train: Train) -> None:
    with pytest.raises(TrainingFailed) as caught:
        train(RECIPE.model_copy(update={"learning_rate": 1e30, "gradient_norm": 1e30}))
    assert caught.value.reason == "diverged"


@pytest.fixture
def little_memory() -> Iterator[None]:
    """The process may take one GiB more than it has."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 1024**3, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.mark.usefixtures("little_memory")
def test_too_little_memory_is_named(train: Train, tmp_path: Path, tiny_data: Path) -> None:
    line = json.loads((tiny_data / "train.jsonl").read_text().splitlines()[0])
    line["messages"][1]["content"] = "all pass " * 40_000  # attention takes their square
    data = tmp_path / "data"
    data.mkdir()
    (data / "train.jsonl").write_text(json.dumps(line))
    base = save_tiny_base(tmp_path / "base", positions=10**6)
    with pytest.raises(TrainingFailed) as caught:
        train(RECIPE.model_copy(update={"longest_prompt": 10**6}), data=data, base=base)
    assert caught.value.reason == "out_of_memory"
    assert "pass_tokens" in caught.value.detail


def test_it_stops_when_validation_gets_no_better_and_keeps_the_best(
    train: Train, tiny_base: Path, tmp_path: Path
) -> None:
    wild = RECIPE.model_copy(update={"epochs": 30, "learning_rate": 0.3, "patience": 2})
    metrics = train(wild)
    losses = [loss for _, loss in metrics["validation_losses"]]
    assert len(losses) < 30
    assert min(losses) == losses[-3]
    assert metrics["validation_loss"] < 1.5 * min(losses) + 0.05


def test_few_validation_cases_neither_stop_nor_choose(train: Train) -> None:
    wild = RECIPE.model_copy(update={"epochs": 8, "learning_rate": 0.3, "patience_cases": 1000})
    assert len(train(wild)["validation_losses"]) == 8


def with_a_long_case(data: Path, directory: Path) -> Path:
    """The same splits, each with a case of 2,000 more words than any other."""
    directory.mkdir()
    for file in data.iterdir():
        first = json.loads(file.read_text().splitlines()[0])
        first["messages"][1]["content"] += " claim" * 2000
        (directory / file.name).write_text(f"{json.dumps(first)}\n{file.read_text()}")
    return directory


@pytest.mark.parametrize("positions", [512, 16_384])
def test_cases_that_inference_does_not_read_are_left_out_and_counted(
    train: Train, tiny_data: Path, tmp_path: Path, positions: int
) -> None:
    """Whether they are too long for the base model, or only for the limit."""
    base = save_tiny_base(tmp_path / "base", positions=positions)
    data = with_a_long_case(tiny_data, tmp_path / "data")
    found = train(RECIPE, base=base, data=data)
    kept = (found["training_cases"], found["validation_cases"], found["calibration_cases"])
    assert (*kept, found["too_long_cases"]) == (48, 40, 40, 3)
    assert found["temperature"] == train(RECIPE, base=base, name="without")["temperature"]


def test_the_limit_is_a_setting(train: Train) -> None:
    assert train(RECIPE)["too_long_cases"] == 0
    with pytest.raises(Rejected, match="longer than a model reads"):
        train(RECIPE.model_copy(update={"longest_prompt": 40}), name="none")
