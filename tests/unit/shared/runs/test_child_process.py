"""Work in a child process: what it says is reported, and how it ends is told apart."""

from pathlib import Path
from typing import Any

import pytest

from shared.runs.child_process import ChildOutcome, run_module


async def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> tuple[ChildOutcome, list[dict[str, Any]]]:
    """A child that does what `code` says."""
    (tmp_path / "a_child.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    reports: list[dict[str, Any]] = []

    async def on_report(report: dict[str, Any]) -> None:
        reports.append(report)

    return await run_module("a_child", [], on_report, silence_seconds=10), reports


async def test_what_it_prints_as_json_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, reports = await run(tmp_path, monkeypatch, "print('{\"step\": 1}\\nother things')")

    assert reports == [{"step": 1}]
    assert outcome == ChildOutcome(0, "")


async def test_a_child_that_breaks_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, _ = await run(tmp_path, monkeypatch, "raise ValueError('no such split')")

    assert (outcome.killed_by, outcome.hung) == (None, False)
    assert outcome.reason == "exit 1: ValueError"  # its words may quote a case


@pytest.mark.slow
async def test_a_child_that_hangs_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = "import time\nprint('{\"step\": 1}', flush=True)\ntime.sleep(600)"

    outcome, reports = await run(tmp_path, monkeypatch, hanging)

    assert reports == [{"step": 1}]
    assert outcome.killed_by == "SIGKILL"
    assert outcome.reason == "hung: it said nothing for too long"
