"""The loop closes: the demonstration itself, played to its end, judged by its last line."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.engines import Engines, own_engines, temporary_home

pytestmark = pytest.mark.slow


def demonstrate(home: Path, engines: Engines, *arguments: str, seconds: float) -> Mapping[str, Any]:
    """Run the demonstration in a home of its own and return what its last line says."""
    result = subprocess.run(
        [sys.executable, "-m", "deploy.demo", *arguments],
        env={**os.environ, **engines.environment, "CASELOOP_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    found: Mapping[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])["demo"]
    return found


def stop(home: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "deploy.embedded", "reset", "--yes"],
        env={**os.environ, "CASELOOP_HOME": str(home)},
        check=True,
        capture_output=True,
    )


def assert_nothing_lost(demo: Mapping[str, Any]) -> None:
    assert demo["cases"] > 0
    assert demo["decisions"] == demo["cases"]
    assert demo["lost"] == demo["doubled"] == demo["adverse_automatic"] == 0


def test_the_loop_closes_with_scikit_learn_and_a_second_run_is_quick() -> None:
    with own_engines() as engines, temporary_home() as home:
        try:
            demo = demonstrate(home, engines, "--strategy", "linear", seconds=600)
            again = demonstrate(home, engines, "--strategy", "linear", seconds=120)
        finally:
            stop(home)

    assert_nothing_lost(demo)
    assert demo["verdict"] == "PASS"
    assert demo["champion"] == "adjudication-v1.1"
    assert demo["dataset_versions"] >= 2
    assert demo["after"]["accuracy"] > demo["before"]["accuracy"]
    assert demo["after"]["auto_accept_rate"] > demo["before"]["auto_accept_rate"]
    assert_nothing_lost(again)
    assert (again["cases"], again["labels"]) == (demo["cases"], demo["labels"])


def test_the_loop_closes_with_lora() -> None:
    """Smaller than the demonstration, and with the real language model: any honest verdict."""
    with own_engines() as engines, temporary_home() as home:
        try:
            demo = demonstrate(home, engines, "--history", "260", "--threshold", "60", seconds=1200)
        finally:
            stop(home)

    assert_nothing_lost(demo)
    assert demo["dataset_versions"] >= 2
    assert demo["after"]["version"] > demo["before"]["version"]
    assert demo["verdict"] in {"PASS", "FAIL", "INCONCLUSIVE"}
    assert demo["champion"] or demo["verdict"] != "PASS"
    assert demo["after"]["accuracy"] > 1 / 3
