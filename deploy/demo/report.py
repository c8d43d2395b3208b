"""The end of the demonstration: before and after, and one line for machines.

Every number comes out of the running system: its topics, its services' answers, its processes.
"""

import json
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from deploy.cli.client import System
from deploy.demo.loop_state import LoopState
from shared.events import Measures, ModelEvaluated
from shared.storage.artifacts import Artifacts


def last_evaluation(loop: LoopState) -> ModelEvaluated | None:
    """The evaluation that ended the demonstration: of the newest version."""
    return max(loop.evaluations.values(), key=lambda event: event.occurred_at, default=None)


def before_and_after(loop: LoopState) -> tuple[Measures | None, Measures | None, Measures | None]:
    """The version before, the newest one and the scikit-learn baseline, on the same claims.

    Where no version was ever good enough to be champion, "before" is the first version as it
    was measured in its own evaluation.
    """
    newest = last_evaluation(loop)
    if newest is None:
        return None, None, None
    before = newest.champion_measures
    if before is None:
        first = min(loop.evaluations.values(), key=lambda event: event.occurred_at)
        before = first.candidate_measures if first is not newest else None
    return before, newest.candidate_measures, newest.baseline_measures


def summary(
    loop: LoopState, *, claims: str, labels: int, seconds: float, peak_memory_mb: float
) -> dict[str, Any]:
    """The demonstration in one JSON object."""
    newest = last_evaluation(loop)
    before, after, baseline = before_and_after(loop)
    return {
        "task": loop.task,
        "claims": claims,
        "cases": len(loop.submitted),
        "decisions": loop.decided,
        "lost": loop.lost,
        "doubled": loop.doubled,
        "adverse_automatic": loop.adverse_automatic,
        "unreadable": len(loop.unreadable),
        "labels": labels,
        "dataset_versions": len(loop.releases),
        "champion": loop.champion,
        "verdict": newest.verdict if newest else "INCONCLUSIVE",
        "before": _numbers(before),
        "after": _numbers(after),
        "baseline": _numbers(baseline),
        "seconds": round(seconds, 1),
        "peak_memory_mb": round(peak_memory_mb),
    }


def table(loop: LoopState, recalls: Mapping[str, Mapping[str, float]]) -> Table:
    """Before, after and baseline side by side; `recalls` has each version's accuracy per class."""
    columns = before_and_after(loop)
    rows = Table(title="Before and after, on the same held-out claims")
    rows.add_column("")
    for measures, heading in zip(columns, ("before", "after", "scikit-learn"), strict=True):
        version = measures.version.removeprefix(f"{loop.task}-") if measures else "–"
        rows.add_column(f"{heading}\n{version}", justify="right")
    rows.add_row("held-out claims", *(_text(m.cases if m else None, "d") for m in columns))
    rows.add_row("accuracy", *(_text(m.accuracy if m else None) for m in columns))
    for label in sorted({name for row in recalls.values() for name in row}):
        values = [recalls.get(m.version, {}).get(label) if m else None for m in columns]
        rows.add_row(f"  of {label}", *(_text(value) for value in values))
    rows.add_row("macro F1", *(_text(m.macro_f1 if m else None) for m in columns))
    rows.add_row("auto-accepted", *(_text(m.auto_accept_rate if m else None) for m in columns))
    rows.add_row("errors among them", *(_text(m.auto_accept_error if m else None) for m in columns))
    rows.add_row(
        "calibration error",
        *(_text(m.expected_calibration_error if m else None) for m in columns),
    )
    return rows


def recalls(artifacts: Artifacts, loop: LoopState) -> dict[str, dict[str, float]]:
    """Each version's accuracy per class, out of the evaluations' own reports."""
    recalls: dict[str, dict[str, float]] = {}
    for evaluation in loop.evaluations.values():
        content = json.loads(artifacts.get(evaluation.report_json))
        for assessment in content["assessments"]:
            version = assessment["measures"]["version"]
            recalls[version] = {each["label"]: each["recall"] for each in assessment["classes"]}
    return recalls


def labels(system: System, loop: LoopState) -> int:
    """All labels there are, released or not."""
    count = system.get("dataset_accumulator", "/v1/labels/count", task=loop.task)
    return int(count["imported"] + count["reviewed"])


def _numbers(measures: Measures | None) -> dict[str, Any] | None:
    if measures is None:
        return None
    names = ("accuracy", "macro_f1", "auto_accept_rate", "auto_accept_error")
    numbers: dict[str, Any] = {"version": measures.version}
    for name in names:
        value = getattr(measures, name)
        numbers[name] = round(value, 4) if value is not None else None
    return numbers


def _text(value: float | None, form: str = ".1%") -> str:
    return "–" if value is None else format(value, form)
