"""Works off the queued runs, one after the other: data down, train in a child, result up."""

import json
import shutil
from collections.abc import Callable, Container
from datetime import datetime
from pathlib import Path
from typing import Any

from services.trainer.model_card import model_card
from services.trainer.progress import METRICS, RECIPE
from services.trainer.settings import Settings
from services.trainer.store import Store, TrainingRun
from services.trainer.strategies import STRATEGIES, read_recipe
from services.trainer.training_window import TrainingWindow
from shared.events import ModelTrained, TrainedModel
from shared.runs.worker import RunBroke, RunFailed, RunWorker, run_reporting_child, work_forever
from shared.storage.artifacts import Artifacts, in_thread
from shared.storage.datasets import TRAINING_SPLITS, DatasetManifest, read_manifest, read_split
from shared.storage.model_registry import ModelCache, model_uri, store_model
from shared.telemetry import logger

_CARD = "README.md"
_TRAINED_AS = "trained-as.json"


class TrainingWorker:
    """One process's share of the training.

    A run survives the worker: another one takes over, from the checkpoint if it has the same disk.
    """

    def __init__(
        self,
        store: Store,
        artifacts: Artifacts,
        cache: ModelCache,
        settings: Settings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.store = store
        self.artifacts = artifacts
        self.cache = cache
        self.settings = settings
        self.now = now
        self._window = TrainingWindow.parse(settings.training_window)
        self._runs = RunWorker(
            store,
            work=self._train,
            fail=self._fail,
            attempts=settings.attempts,
            lease_seconds=settings.lease_seconds,
        )

    async def run(self) -> None:
        """Lease and train forever, inside the training window."""
        await work_forever(self._turn)

    async def _turn(self) -> bool:
        """Work off one run; false if there was none, or this is not the time."""
        if not self._window.is_open(self.now()):
            return False
        run = await self.store.lease(
            limit=self.settings.max_concurrent_runs, seconds=self.settings.lease_seconds
        )
        if run is not None:
            await self._runs.work_off(run)
        return run is not None

    async def _train(self, run: TrainingRun) -> None:
        logger.info("training", run=run.run_id, attempt=run.attempt)
        directory = self._directory(run)
        manifest = await in_thread(self._fetch, run, directory)
        if not (directory / "out" / METRICS).exists():  # else only the rest of the way was missing
            await self._train_in_child(run, directory, manifest)
        await self._publish(run, directory, manifest)
        shutil.rmtree(directory, ignore_errors=True)

    async def _fail(self, run: TrainingRun, reason: str) -> None:
        await self.store.fail(run, reason, at=self.now())
        directory = self._directory(run)
        if not (directory / "out" / METRICS).exists():  # else another try has only to store it
            shutil.rmtree(directory, ignore_errors=True)

    def _directory(self, run: TrainingRun) -> Path:
        return self.settings.work_directory / run.run_id

    async def _train_in_child(
        self, run: TrainingRun, directory: Path, manifest: DatasetManifest
    ) -> None:
        """A killed child is tried again; one that ends with an error would end so again."""

        async def report(progress: dict[str, Any]) -> None:
            seconds = self.settings.lease_seconds
            await self.store.report(run, progress, at=self.now(), seconds=seconds)

        arguments = await in_thread(self._arguments, directory, manifest)
        (directory / _TRAINED_AS).write_text(json.dumps(self._trained_as()))
        outcome, last = await run_reporting_child(
            "services.trainer.train", arguments, report, progress_field="step"
        )
        if "failed" in last:
            raise RunFailed(f"{last['failed']}: {last.get('detail', '')}")
        if outcome.killed_by:
            raise RunBroke(outcome.reason)
        if outcome.code != 0:
            raise RunFailed(outcome.reason)

    def _fetch(self, run: TrainingRun, directory: Path) -> DatasetManifest:
        """Write the splits that training may see as JSONL files."""
        manifest = read_manifest(self.artifacts, run.released.manifest)
        data = directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        for split in TRAINING_SPLITS:
            with (data / f"{split}.jsonl").open("w") as file:
                for example in read_split(self.artifacts, manifest, split):
                    if not example.in_part:
                        file.write(example.model_dump_json() + "\n")
        return manifest

    def _arguments(self, directory: Path, manifest: DatasetManifest) -> list[str]:
        settings = self.settings
        arguments = [
            *("--data", str(directory / "data")),
            *("--out", str(directory / "out")),
            *("--labels", ",".join(manifest.labels)),
            *("--strategy", settings.strategy),
            *("--quantization", settings.quantization),
            *("--longest-prompt", str(settings.longest_prompt_tokens)),
        ]
        if STRATEGIES[settings.strategy].needs_base_model:
            arguments += ["--base", str(self.cache.base(settings.base_model))]
        if settings.recipe is not None:
            arguments += ["--recipe", str(settings.recipe)]
        return arguments

    def _trained_as(self) -> dict[str, str | None]:
        """Kept beside the result: when it is published, the settings may be others."""
        settings = self.settings
        has_base = STRATEGIES[settings.strategy].needs_base_model
        return {
            "strategy": settings.strategy,
            "quantization": settings.quantization if has_base else "none",
            "base_model": settings.base_model if has_base else None,
        }

    async def _publish(self, run: TrainingRun, directory: Path, manifest: DatasetManifest) -> None:
        minor = await self.store.assign_number(run)
        version = f"{run.task}-v{self.settings.major}.{minor}"
        trained = await in_thread(self._upload, run, version, directory / "out", manifest)
        await self.store.succeed(run, trained)
        left_out = trained.metrics.get("too_long_cases", 0)
        logger.info("trained", run=run.run_id, version=version, too_long_cases=left_out)

    def _upload(
        self, run: TrainingRun, version: str, out: Path, manifest: DatasetManifest
    ) -> ModelTrained:
        metrics = json.loads((out / METRICS).read_text())
        recipe = json.loads((out / RECIPE).read_text())
        about = _describe(run, version, out, manifest)
        _leave_only(out, {*STRATEGIES[about["strategy"]].files, METRICS, RECIPE})
        (out / _CARD).write_text(model_card(about, manifest, recipe, metrics))
        reference = store_model(
            self.artifacts, out, model_uri(run.task, version), created_at=self.now(), about=about
        )
        model = TrainedModel.model_validate(
            {**about, "manifest": reference, "dataset_manifest": run.released.manifest}
        )
        return ModelTrained(
            occurred_at=self.now(),
            task=run.task,
            model=model,
            run_id=run.run_id,
            metrics=_scalar_metrics(metrics),
        )


def _describe(
    run: TrainingRun, version: str, out: Path, manifest: DatasetManifest
) -> dict[str, Any]:
    """What a version is: as it was trained, whatever the settings are by now."""
    metrics = json.loads((out / METRICS).read_text())
    recipe = read_recipe(json.loads((out / RECIPE).read_text()))
    trained_as = json.loads((out.parent / _TRAINED_AS).read_text())
    return {
        "version": version,
        "task": run.task,
        **trained_as,
        "backend": STRATEGIES[trained_as["strategy"]].backend,
        "prompt_version": manifest.prompt_version,
        "temperature": metrics["temperature"],
        "longest_prompt_tokens": recipe.longest_prompt_tokens,
        "dataset_version": manifest.dataset_version,
    }


def _leave_only(directory: Path, names: Container[str]) -> None:
    """No checkpoint and nothing that an earlier try with other settings left is of a version."""
    for path in directory.iterdir():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _scalar_metrics(metrics: dict[str, Any]) -> dict[str, Any]:
    """An event carries the numbers; the curves lie beside the adapter."""
    return {name: value for name, value in metrics.items() if isinstance(value, str | int | float)}
