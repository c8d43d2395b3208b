"""Trains a candidate from JSONL files. Knows no Kafka, no object storage and no SQL.

    python -m services.trainer.train --data DIR --base DIR --out DIR \
        --labels APPROVED,DENIED,PENDING

DIR of `--data` holds train.jsonl, validation.jsonl and calibration.jsonl: what it may learn from,
what stops it early, and what sets its temperature. `--out` gets the adapter, recipe.json and
metrics.json. Progress comes as JSON lines on stdout. A run that was killed and is started again
with the same arguments resumes from its last checkpoint and ends in the same adapter. 350 claims of
100 tokens take two to three minutes on two cores.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.trainer.data import LabeledCase, Splits, read_splits
from services.trainer.progress import METRICS, RECIPE, Progress, TrainingFailed
from services.trainer.strategies import DEFAULT_STRATEGY, STRATEGIES, read_recipe
from services.trainer.strategies.strategy import Recipe, TrainingInputs
from shared.errors import Rejected
from shared.models.backend import Backend, BackendOptions, LabelScores
from shared.models.backends.registry import open_backend
from shared.models.calibration import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    probabilities,
)

_VERSION = "candidate"


def run(
    recipe: Recipe,
    *,
    data: Path,
    base: Path | None,
    out: Path,
    labels: Sequence[str],
    device: str = "auto",
    progress: Progress,
) -> dict[str, Any]:
    """Train, calibrate, measure; the metrics that were written to `out`."""
    started = time.monotonic()
    strategy = STRATEGIES[recipe.strategy]
    if strategy.needs_base_model and base is None:
        raise Rejected(f"the strategy {recipe.strategy} needs a base model", field="base")
    splits = read_splits(data, labels)
    out.mkdir(parents=True, exist_ok=True)
    trained = strategy.train(recipe, TrainingInputs(splits, labels, base, out, device, progress))
    options = BackendOptions(base=base, quantization=recipe.quantization, device=device)
    backend = open_backend(strategy.backend, options)
    backend.load(_VERSION, out, longest_prompt_tokens=recipe.longest_prompt_tokens)
    progress.say("calibrating")
    metrics = {
        "strategy": recipe.strategy,
        "training_cases": len(trained.splits["train"]),
        **_calibrated(backend, trained.splits, labels),
        **trained.measures,
        "run_seconds": round(time.monotonic() - started, 1),
    }
    _write_results(out, recipe, metrics)
    progress.say("done", temperature=metrics["temperature"], seconds=metrics["run_seconds"])
    return metrics


def _write_results(out: Path, recipe: Recipe, metrics: dict[str, Any]) -> None:
    """The metrics come last and in one piece: where they lie, a run is finished."""
    (out / RECIPE).write_text(recipe.model_dump_json(indent=2))
    part = out / f"{METRICS}.part"
    part.write_text(json.dumps(metrics, indent=2))
    part.replace(out / METRICS)
    shutil.rmtree(out / "checkpoint", ignore_errors=True)


def _calibrated(backend: Backend, splits: Splits, labels: Sequence[str]) -> dict[str, Any]:
    """The temperature by the calibration split, and how that does on the validation split.

    Cases are not weighted by their inclusion probability: which of them experts saw depends on
    the case alone, and one audit that stands for twenty would decide for all.
    """
    scores = _scores(backend, splits["calibration"], labels)
    experts = [case.label for case in splits["calibration"]]
    temperature = fit_temperature([score.log_probabilities for score in scores], experts)
    return {
        "temperature": temperature,
        "calibration_cases": len(experts),
        **_validated(backend, splits["validation"], labels, temperature=temperature),
    }


def _validated(
    backend: Backend,
    cases: Sequence[LabeledCase],
    labels: Sequence[str],
    *,
    temperature: float,
) -> dict[str, Any]:
    if not cases:
        return {"validation_cases": 0}
    scores = [score.log_probabilities for score in _scores(backend, cases, labels)]
    experts = [case.label for case in cases]
    calibrated = [probabilities(score, temperature) for score in scores]
    answers = [max(each, key=each.__getitem__) for each in calibrated]
    right = [answer == expert for answer, expert in zip(answers, experts, strict=True)]
    return {
        "validation_cases": len(cases),
        "validation_accuracy": sum(right) / len(right),
        "validation_loss": negative_log_likelihood(scores, experts, temperature=temperature),
        "validation_calibration_error": expected_calibration_error(
            [max(each.values()) for each in calibrated], right
        ),
    }


def _scores(
    backend: Backend, cases: Sequence[LabeledCase], labels: Sequence[str]
) -> list[LabelScores]:
    return backend.score(_VERSION, [case.prompt for case in cases], labels)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="directory of the splits")
    parser.add_argument("--base", type=Path, help="directory of the base model")
    parser.add_argument("--out", type=Path, required=True, help="directory to write")
    parser.add_argument("--labels", required=True, help="the task's labels: A,B,C")
    parser.add_argument("--recipe", type=Path, help="JSON file with settings; a flag goes before")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    for name, meaning in _settings().items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", dest=f"set_{name}", metavar="VALUE", help=meaning
        )
    return parser.parse_args(argv)


def _settings() -> dict[str, str]:
    """Every setting of a recipe that fits into a flag, with its default by strategy."""
    meanings: dict[str, list[str]] = {"strategy": [f"{', '.join(STRATEGIES)}: {DEFAULT_STRATEGY}"]}
    for strategy, entry in STRATEGIES.items():
        for name, field in entry.recipe.model_fields.items():
            if name != "strategy" and isinstance(field.default, str | int | float):
                meanings.setdefault(name, []).append(f"{strategy}: {field.default}")
    return {name: "; ".join(parts) for name, parts in meanings.items()}


def _recipe(arguments: argparse.Namespace) -> Recipe:
    """What the recipe's file says; a flag goes before it."""
    settings = json.loads(arguments.recipe.read_text()) if arguments.recipe else {}
    for name in _settings():
        if (value := getattr(arguments, f"set_{name}")) is not None:
            settings[name] = value
    return read_recipe(settings)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    progress = Progress()
    try:
        run(
            _recipe(arguments),
            data=arguments.data,
            base=arguments.base,
            out=arguments.out,
            labels=arguments.labels.split(","),
            device=arguments.device,
            progress=progress,
        )
    except TrainingFailed as failure:
        progress.failed(failure)
        return 1
    except Rejected as error:
        progress.failed(TrainingFailed("rejected", str(error)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
