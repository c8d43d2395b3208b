"""The loop closes with the language model: the demonstration, played to its end."""

import json
from pathlib import Path

import pytest

from tests.support.demonstration import assert_nothing_lost, demonstration

pytestmark = pytest.mark.slow


def test_the_loop_closes_with_lora(tmp_path: Path) -> None:
    """Smaller than the demonstration, and with the real language model: any honest verdict."""
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"epochs": 1, "least_steps": 20}))
    with demonstration(TRAINER_RECIPE=str(recipe)) as system:
        demo = system.play("--history", "160", "--threshold", "40", seconds=1200)

    assert_nothing_lost(demo)
    assert demo["dataset_versions"] >= 2
    assert demo["after"]["version"] > demo["before"]["version"]
    assert demo["verdict"] in {"PASS", "FAIL", "INCONCLUSIVE"}
    assert demo["champion"] or demo["verdict"] != "PASS"
    assert demo["after"]["accuracy"] > 1 / 3
