"""Data that teach nothing end in a version or in a reason, with metrics that are numbers."""

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

from services.trainer.progress import Progress
from services.trainer.strategies import STRATEGIES, read_recipe
from services.trainer.train import run

pytestmark = pytest.mark.slow  # loads PyTorch

LABELS = ("APPROVED", "DENIED")
SPLITS = ("train", "validation", "calibration")


def write(source: Path, target: Path, *, of: dict[str, str | None]) -> Path:
    """The splits with the cases of one label each: None is every label, "" is none."""
    target.mkdir()
    for split in SPLITS:
        lines = (source / f"{split}.jsonl").read_text().splitlines()
        wanted = of.get(split)
        kept = [line for line in lines if wanted in (None, json.loads(line)["label"])]
        (target / f"{split}.jsonl").write_text("\n".join(kept))
    return target


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "splits",
    [
        dict.fromkeys(SPLITS, "APPROVED"),
        {"train": "APPROVED"},
        {"calibration": "DENIED"},
        {"validation": "", "calibration": ""},
    ],
    ids=["one label", "one label to train on", "another to calibrate by", "only training cases"],
)
def test_a_run_ends_with_metrics_that_are_numbers(
    strategy: str,
    splits: dict[str, str | None],
    tiny_base: Path,
    tiny_data: Path,
    tmp_path: Path,
) -> None:
    quick = {"epochs": 1, "least_steps": 2} if strategy == "lora" else {}
    metrics: dict[str, Any] = run(
        read_recipe({"strategy": strategy, **quick}),
        data=write(tiny_data, tmp_path / "data", of=splits),
        base=tiny_base,
        out=tmp_path / "out",
        labels=LABELS,
        device="cpu",
        progress=Progress(io.StringIO()),
    )

    numbers = [value for value in metrics.values() if isinstance(value, int | float)]
    assert metrics["temperature"] > 0
    assert all(math.isfinite(number) for number in numbers)
