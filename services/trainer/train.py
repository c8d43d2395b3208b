"""Trains a candidate from JSONL files. Knows no Kafka, no object storage and no SQL.

    python -m services.trainer.train --data DIR --base DIR --out DIR \
        --labels APPROVED,DENIED,PENDING

DIR of `--data` holds train.jsonl, validation.jsonl and calibration.jsonl: what it may learn from,
what stops it early, and what sets its temperature. `--out` gets the adapter, recipe.json and
metrics.json. Progress comes as JSON lines on stdout. A run that was killed and is started again
with the same arguments goes on from its last checkpoint and ends in the same adapter. 350 claims of
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

from pydantic import ValidationError

from services.trainer.data import LabeledCase, Splits, read_splits, without
from services.trainer.hyperparameters import Recipe
from services.trainer.progress import METRICS, Progress, TrainingFailed
from services.trainer.strategies import linear
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
_FLAGS = ("strategy", "quantization", "seed", "epochs", "longest_prompt")


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
    splits = read_splits(data, labels)
    out.mkdir(parents=True, exist_ok=True)
    if recipe.strategy == "linear":
        measured = _train_linear(recipe, splits, labels, out)
        backend = open_backend("scikit-learn", BackendOptions())
    elif base is None:
        raise Rejected("the strategy lora needs a base model", field="base")
    else:
        splits, measured = _train_lora(
            recipe, splits, labels, base=base, out=out, device=device, progress=progress
        )
        options = BackendOptions(base=base, quantization=recipe.quantization, device=device)
        backend = open_backend("transformers", options)
    backend.load(_VERSION, out, longest_prompt_tokens=recipe.longest_prompt_tokens)
    progress.say("calibrating")
    metrics = {
        "strategy": recipe.strategy,
        "training_cases": len(splits["train"]),
        **_calibrated(backend, splits, labels),
        **measured,
        "run_seconds": round(time.monotonic() - started, 1),
    }
    (out / "recipe.json").write_text(recipe.model_dump_json(indent=2))
    part = out / f"{METRICS}.part"
    part.write_text(json.dumps(metrics, indent=2))
    part.replace(out / METRICS)
    shutil.rmtree(out / "checkpoint", ignore_errors=True)
    progress.say("done", temperature=metrics["temperature"], seconds=metrics["run_seconds"])
    return metrics


def _train_linear(
    recipe: Recipe,
    splits: Splits,
    labels: Sequence[str],
    out: Path,
) -> dict[str, Any]:
    linear.train(recipe, splits["train"], labels, out)
    return {}


def _train_lora(
    recipe: Recipe,
    splits: Splits,
    labels: Sequence[str],
    *,
    base: Path,
    out: Path,
    device: str,
    progress: Progress,
) -> tuple[Splits, dict[str, Any]]:
    """The cases that are short enough, from which alone it learns, and the measures."""
    from services.trainer.strategies import lora  # torch takes seconds, and `linear` needs none

    splits, left_out = without(splits, lora.too_long(base, recipe))
    state = lora.train(recipe, splits, labels, base=base, out=out, device=device, progress=progress)
    return splits, {
        "too_long_cases": left_out,
        "steps": state.step,
        "loss": state.losses[-1],
        "tokens": state.tokens,
        "training_seconds": round(state.seconds, 1),
        "tokens_per_second": round(state.tokens / state.seconds, 1),
        "losses": state.losses,
        "validation_losses": state.validation_losses,
    }


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
    found = [probabilities(score, temperature) for score in scores]
    answers = [max(one, key=one.__getitem__) for one in found]
    right = [answer == expert for answer, expert in zip(answers, experts, strict=True)]
    return {
        "validation_cases": len(cases),
        "validation_accuracy": sum(right) / len(right),
        "validation_loss": negative_log_likelihood(scores, experts, temperature=temperature),
        "validation_calibration_error": expected_calibration_error(
            [max(one.values()) for one in found], right
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
    parser.add_argument("--recipe", type=Path, help="JSON file with settings of the recipe")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    for name in _FLAGS:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, default=None, help="a setting, before the recipe's")
    return parser.parse_args(argv)


def _recipe(arguments: argparse.Namespace) -> Recipe:
    settings = json.loads(arguments.recipe.read_text()) if arguments.recipe else {}
    for name in _FLAGS:
        if getattr(arguments, name) is not None:
            settings[name] = getattr(arguments, name)
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Rejected(first["msg"], field=f"recipe {field}") from None


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
