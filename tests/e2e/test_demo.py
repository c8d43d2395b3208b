"""The loop closes: the demonstration itself, played to its end, judged by its last line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.demonstration import Played, demonstration

pytestmark = pytest.mark.slow


def assert_nothing_lost(demo: Mapping[str, Any]) -> None:
    assert demo["cases"] > 0
    assert demo["decisions"] == demo["cases"]
    assert demo["lost"] == demo["doubled"] == demo["adverse_automatic"] == 0


def test_the_loop_closes_with_scikit_learn_and_a_second_run_is_quick(linear: Played) -> None:
    demo, again = linear.first, linear.again
    assert_nothing_lost(demo)
    assert demo["verdict"] == "PASS"
    assert demo["champion"] == "adjudication-v1.1"
    assert demo["dataset_versions"] >= 2
    assert demo["after"]["accuracy"] > demo["before"]["accuracy"]
    assert demo["after"]["auto_accept_rate"] > demo["before"]["auto_accept_rate"]
    assert_nothing_lost(again)
    assert (again["cases"], again["labels"]) == (demo["cases"], demo["labels"])


def test_the_loop_closes_with_lora(tmp_path: Path) -> None:
    """Smaller than the demonstration, and with the real language model: any honest verdict."""
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"least_steps": 30}))
    with demonstration(TRAINER_RECIPE=str(recipe)) as system:
        demo = system.play("--history", "260", "--threshold", "60", seconds=1200)

    assert_nothing_lost(demo)
    assert demo["dataset_versions"] >= 2
    assert demo["after"]["version"] > demo["before"]["version"]
    assert demo["verdict"] in {"PASS", "FAIL", "INCONCLUSIVE"}
    assert demo["champion"] or demo["verdict"] != "PASS"
    assert demo["after"]["accuracy"] > 1 / 3
