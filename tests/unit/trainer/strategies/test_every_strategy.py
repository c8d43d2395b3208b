"""What every strategy must do, asked of each one in the table: `docs/adding-a-strategy.md`."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.trainer.data import read_splits
from services.trainer.progress import METRICS, RECIPE, Progress
from services.trainer.settings import Settings
from services.trainer.strategies import STRATEGIES, read_recipe
from services.trainer.strategies.strategy import Recipe, Strategy
from services.trainer.train import run
from shared.errors import Rejected
from shared.models.backend import BackendOptions
from shared.models.backends.registry import open_backend

LABELS = ("APPROVED", "DENIED")
HEAVY = {"torch", "transformers", "sklearn"}  # seconds to import, and extras of the package

# Where the defaults do not learn the tiny task with the tiny base model: what does, in seconds.
TINY: dict[str, dict[str, Any]] = {
    "lora": {"rank": 8, "alpha": 16.0, "epochs": 6, "least_steps": 1, "learning_rate": 0.02},
}

every_strategy = pytest.mark.parametrize("name", STRATEGIES)


@dataclass(frozen=True)
class Trained:
    """A version that a strategy made of the tiny task."""

    name: str
    out: Path
    base: Path | None
    metrics: dict[str, Any]

    @property
    def strategy(self) -> Strategy[Any]:
        return STRATEGIES[self.name]


def settings(name: str) -> dict[str, Any]:
    return {"strategy": name, "seed": 3, **TINY.get(name, {})}


def train(recipe: Recipe, *, data: Path, base: Path | None, out: Path) -> dict[str, Any]:
    progress = Progress(io.StringIO())
    return run(
        recipe, data=data, base=base, out=out, labels=LABELS, device="cpu", progress=progress
    )


@pytest.fixture(scope="module", params=STRATEGIES)
def trained(
    request: pytest.FixtureRequest,
    tiny_base: Path,
    tiny_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Trained:
    name, out = request.param, tmp_path_factory.mktemp(request.param)
    base = tiny_base if STRATEGIES[name].needs_base_model else None
    metrics = train(read_recipe(settings(name)), data=tiny_data, base=base, out=out)
    return Trained(name, out, base, metrics)


def test_it_leaves_its_files_the_recipe_and_the_metrics_and_nothing_else(trained: Trained) -> None:
    names = {path.name for path in trained.out.iterdir()}
    assert names == {*trained.strategy.files, RECIPE, METRICS}
    assert trained.metrics["strategy"] == trained.name
    assert trained.metrics["temperature"] > 0
    saved = json.loads((trained.out / METRICS).read_text())
    assert saved == json.loads(json.dumps(trained.metrics))


def test_its_backend_serves_what_it_has_learned(trained: Trained, tiny_data: Path) -> None:
    backend = open_backend(
        trained.strategy.backend, BackendOptions(base=trained.base, device="cpu")
    )
    backend.load("v1.0", trained.out, longest_prompt_tokens=None)
    cases = read_splits(tiny_data, LABELS)["calibration"]
    scores = backend.score("v1.0", [case.prompt for case in cases], LABELS)
    log_probabilities = [score.log_probabilities for score in scores]
    answers = [max(each, key=each.__getitem__) for each in log_probabilities]
    right = [answer == case.label for answer, case in zip(answers, cases, strict=True)]
    assert sum(right) / len(right) >= 0.9


def test_its_recipe_makes_the_same_version_again(
    trained: Trained, tiny_data: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(json.loads((trained.out / RECIPE).read_text()))
    assert recipe == read_recipe(settings(trained.name))
    train(recipe, data=tiny_data, base=trained.base, out=tmp_path)
    for name in trained.strategy.files:
        assert (tmp_path / name).read_bytes() == (trained.out / name).read_bytes(), name


@every_strategy
def test_a_setting_that_it_does_not_have_is_refused_by_name(name: str) -> None:
    with pytest.raises(Rejected, match="no_such_setting") as refused:
        read_recipe({"strategy": name, "no_such_setting": 1})
    assert refused.value.field == "recipe no_such_setting"


@every_strategy
def test_its_recipe_says_its_name(name: str) -> None:
    assert read_recipe({"strategy": name}).strategy == name


@every_strategy
def test_without_the_base_model_that_it_needs_nothing_is_trained(
    name: str, tiny_data: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(settings(name))
    if STRATEGIES[name].needs_base_model:
        with pytest.raises(Rejected, match=f"the strategy {name} needs a base model"):
            train(recipe, data=tiny_data, base=None, out=tmp_path)
    else:
        assert train(recipe, data=tiny_data, base=None, out=tmp_path)["training_cases"] > 0


@every_strategy
def test_the_service_can_be_set_to_it(name: str) -> None:
    assert Settings(strategy=name).strategy == name


def test_another_strategy_is_refused_by_recipe_and_service() -> None:
    with pytest.raises(Rejected, match="recipe strategy: is none of"):
        read_recipe({"strategy": "none such"})
    with pytest.raises(ValueError, match="strategy"):
        Settings(strategy="none such")


def test_to_know_the_strategies_imports_none_of_their_libraries() -> None:
    """The service knows them all, and is small; a run imports what its own strategy needs."""
    code = "import sys, services.trainer.strategies; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert HEAVY.isdisjoint(found.stdout.decode().split())
