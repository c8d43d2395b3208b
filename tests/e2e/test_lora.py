"""The loop closes with a language model: the demonstration, played to its end.

The model is a tiny one under the name of the demonstration's own, which `make demo` plays with.
"""

import json
from pathlib import Path

import pytest

from deploy.cli.base_models import register
from deploy.simulation import simulated_claims
from shared.models.base_model import SMOLLM2
from shared.tasks import TASKS
from tests.support.demonstration import assert_nothing_lost, demonstration
from tests.support.models.tiny_base_model import save_tiny_base

pytestmark = pytest.mark.slow


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """It knows nothing, but reads claims in few tokens."""
    task = TASKS["adjudication"]
    claims = simulated_claims(seed=2, count=40)
    prompts = [task.prompt(claim.input.model_dump(mode="json")) for claim in claims]
    texts = [prompts[0].system, *(prompt.user for prompt in prompts)]
    return save_tiny_base(tmp_path / "base", positions=2048, texts=texts, vocabulary=600)


def test_the_loop_closes_with_lora(base: Path, tmp_path: Path) -> None:
    """Smaller than the demonstration, and with any honest verdict."""
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"epochs": 1, "least_steps": 60, "learning_rate": 0.01}))
    with demonstration(TRAINER_RECIPE=str(recipe)) as system:
        register(str(base), name=SMOLLM2, settings=system.engines.environment)
        demo = system.play("--history", "160", "--threshold", "40", seconds=1200)

    assert_nothing_lost(demo)
    assert demo["dataset_versions"] >= 2
    assert demo["after"]["version"] > demo["before"]["version"]
    assert demo["verdict"] in {"PASS", "FAIL", "INCONCLUSIVE"}
    assert demo["champion"] or demo["verdict"] != "PASS"
    assert demo["after"]["accuracy"] > 1 / 3
