"""The training loop on a model of a few thousand parameters: it learns, stops and resumes."""

import io
import itertools
import json
import math
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

from services.trainer.data import read_splits
from services.trainer.hyperparameters import Recipe
from services.trainer.progress import Progress, TrainingFailed
from services.trainer.strategies import lora
from services.trainer.train import run
from shared.errors import Rejected
from shared.models import passes
from shared.models.backend import open_backend
from shared.models.causal_lm import load_base
from shared.models.tokens import Tokens
from shared.tasks.task import Prompt
from tests.support.models.tiny_base_model import save_tiny_base

pytestmark = pytest.mark.slow  # loads PyTorch

LABELS = ("APPROVED", "DENIED")
RECIPE = Recipe(
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
        recipe: Recipe, *, name: str = "out", stream: io.StringIO | None = None, **changes: Path
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
    assert Recipe.model_validate_json((out / "recipe.json").read_text()) == THOROUGH
    assert sorted(path.name for path in out.iterdir()) == [
        *("adapter_config.json", "adapter_model.safetensors", "metrics.json", "recipe.json")
    ]
    backend = open_backend("transformers", base=tiny_base, device="cpu")
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


def test_the_loss_weighs_the_label_and_nothing_of_the_prompt(
    tiny_base: Path, tiny_data: Path
) -> None:
    tokens = Tokens(tiny_base)
    case = read_splits(tiny_data, LABELS)["train"][0]
    lesson = lora.lesson(case, tokens, LABELS, Recipe(reason_weight=0.2))
    assert len(lesson.weights) == len(lesson.row.answer)
    assert lesson.weights[0] == 1.0
    assert sum(lesson.weights) == pytest.approx(1.2)

    model = load_base(tiny_base, quantization="none", device="cpu").float()
    found = lora.answer_loss(model, [lesson]).item()
    ids = torch.tensor([lesson.row.prompt + lesson.row.answer])
    logits = model(ids).logits[0, len(lesson.row.prompt) - 1 : -1]
    each = cross_entropy(logits, torch.tensor(lesson.row.answer), reduction="none")
    assert found == pytest.approx((each * torch.tensor(lesson.weights)).sum().item(), rel=1e-4)


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


def test_the_learning_rate_rises_in_a_line_and_falls_in_a_cosine() -> None:
    recipe = Recipe(warm_up=0.1, last_learning_rate=0.05)
    shares = [lora.schedule(recipe, step, 100) for step in range(100)]
    assert 0 < shares[0] < shares[5] < shares[9] < 1
    assert shares[10] == 1.0
    assert all(a > b for a, b in itertools.pairwise(shares[10:]))
    assert shares[55] == pytest.approx(0.05 + 0.95 / 2, abs=0.01)
    assert math.isclose(shares[-1], 0.05, abs_tol=0.01)


@pytest.mark.parametrize(
    ("cases", "steps"), [(1, 10), (8, 10), (17, 10), (80, 40)], ids=lambda n: str(n)
)
def test_few_cases_are_read_more_often(cases: int, steps: int) -> None:
    found = lora.plan(Recipe(epochs=2, least_steps=10, batch_cases=4), [50] * cases)
    assert len(found) == steps
    for epoch, of_epoch in itertools.groupby(found, key=lambda step: step[0]):
        read = sorted(index for _, batch in of_epoch for index in batch)
        whole = epoch < found[-1][0] or steps % math.ceil(cases / 4) == 0
        assert read == [*range(cases)] if whole else len(set(read)) == len(read) < cases


def test_passes_side_by_side_have_the_gradient_of_one(
    tiny_base: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = Tokens(tiny_base)
    cases = read_splits(tiny_data, LABELS)["train"][:5]
    lessons = [lora.lesson(case, tokens, LABELS, RECIPE) for case in cases]
    model = load_base(tiny_base, quantization="none", device="cpu").float()
    layer = model.get_parameter("model.layers.0.mlp.up_proj.weight").requires_grad_(True)

    def learned(threads: int) -> tuple[float, torch.Tensor]:
        monkeypatch.setattr(passes, "_THREADS", threads)
        layer.grad = None
        loss = lora.learn(model, {"up": layer}, lessons, RECIPE)
        assert layer.grad is not None
        return loss, layer.grad

    (alone, one), (beside, other) = learned(1), learned(2)
    assert beside == pytest.approx(alone)
    assert torch.allclose(one, other, atol=1e-5)
    assert one.abs().max() > 1e-3
