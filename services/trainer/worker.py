"""Works off the queued runs, one after the other: data down, train in a child, result up."""

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.trainer.hyperparameters import Recipe
from services.trainer.model_card import model_card
from services.trainer.progress import METRICS
from services.trainer.settings import Settings
from services.trainer.store import Run, Store
from services.trainer.training_window import Window
from shared.errors import Rejected, Transient
from shared.events import ModelTrained, TrainedModel
from shared.runs.child_process import Outcome, run_module
from shared.runs.leases import LostLease, kept
from shared.storage.artifacts import Artifacts, in_thread
from shared.storage.datasets import TRAINING_SPLITS, DatasetManifest, read_manifest, read_split
from shared.storage.model_registry import ModelCache, model_uri, store
from shared.telemetry import logger

_BACKENDS = {"lora": "transformers", "linear": "scikit-learn"}
_TRAINED_AS = "trained-as.json"
_REPORT_SECONDS = 1.0
_IDLE_SECONDS = 0.5


@dataclass
class Worker:
    """One process's share of the training.

    A run survives the worker: another one goes on, from the checkpoint if it has the same disk.
    """

    store: Store
    artifacts: Artifacts
    cache: ModelCache
    settings: Settings
    now: Callable[[], datetime]

    async def run(self) -> None:
        """Lease and train for ever, inside the training window."""
        window = Window.parse(self.settings.training_window)
        while True:
            run = None
            if window.is_open(self.now()):
                run = await self.store.lease(
                    limit=self.settings.max_concurrent_runs, seconds=self.settings.lease_seconds
                )
            if run is None:
                await asyncio.sleep(_IDLE_SECONDS)
            else:
                await self._work(run)

    async def _work(self, run: Run) -> None:
        logger.info("training", run=run.run_id, attempt=run.attempt)
        seconds = self.settings.lease_seconds
        try:
            async with kept(lambda: self.store.extend(run, seconds=seconds), every=seconds / 3):
                await self._train(run)
        except LostLease:
            logger.warning("lease lost", run=run.run_id)
        except Transient:
            await self.store.release(run, counted=False)
            raise
        except Rejected as error:
            await self.store.fail(run, str(error), at=self.now())
        except Exception as error:
            if run.attempt < self.settings.attempts:
                await self.store.release(run, counted=True)
            else:
                why = f"{type(error).__name__} at attempt {run.attempt}; see the trainer's log"
                await self.store.fail(run, why, at=self.now())
            raise

    async def _train(self, run: Run) -> None:
        directory = self.settings.work_directory / run.run_id
        manifest = await in_thread(self._fetch, run, directory)
        if not (directory / "out" / METRICS).exists():  # else only the rest of the way was missing
            outcome, why = await self._recipe(run, directory, manifest)
            if outcome.killed_by and run.attempt < self.settings.attempts:
                logger.warning("training killed", run=run.run_id, signal=outcome.killed_by)
                await self.store.release(run, counted=True)
                return
            if outcome.code != 0:
                await self.store.fail(run, why, at=self.now())
                shutil.rmtree(directory, ignore_errors=True)
                return
        await self._publish(run, directory, manifest)
        shutil.rmtree(directory, ignore_errors=True)

    async def _recipe(
        self, run: Run, directory: Path, manifest: DatasetManifest
    ) -> tuple[Outcome, str]:
        """Train in a child; how it ended, and why if it failed."""
        failure: list[str] = []
        reported = 0.0

        async def on_report(progress: dict[str, Any]) -> None:
            nonlocal reported
            if "failed" in progress:
                failure.append(f"{progress['failed']}: {progress.get('detail', '')}")
            elif "step" in progress and time.monotonic() - reported >= _REPORT_SECONDS:
                reported = time.monotonic()
                with suppress(Transient):  # the lease decides who works on, not the report
                    await self.store.report(
                        run, progress, at=self.now(), seconds=self.settings.lease_seconds
                    )

        arguments = await in_thread(self._arguments, directory, manifest)
        (directory / _TRAINED_AS).write_text(json.dumps(self._trained_as()))
        outcome = await run_module("services.trainer.train", arguments, on_report)
        return outcome, failure[-1] if failure else outcome.reason

    def _fetch(self, run: Run, directory: Path) -> DatasetManifest:
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
        if settings.strategy != "linear":
            arguments += ["--base", str(self.cache.base(settings.base_model))]
        if settings.recipe is not None:
            arguments += ["--recipe", str(settings.recipe)]
        return arguments

    def _trained_as(self) -> dict[str, str | None]:
        """Kept beside the result: when it is published, the settings may be others."""
        settings = self.settings
        return {
            "strategy": settings.strategy,
            "quantization": settings.quantization,
            "base_model": None if settings.strategy == "linear" else settings.base_model,
        }

    async def _publish(self, run: Run, directory: Path, manifest: DatasetManifest) -> None:
        minor = await self.store.number(run)
        version = f"{run.task}-v{self.settings.major}.{minor}"
        trained = await in_thread(self._upload, run, version, directory / "out", manifest)
        await self.store.succeed(run, trained)
        left_out = trained.metrics.get("too_long_cases", 0)
        logger.info("trained", run=run.run_id, version=version, too_long_cases=left_out)

    def _upload(self, run: Run, version: str, out: Path, manifest: DatasetManifest) -> ModelTrained:
        shutil.rmtree(out / "checkpoint", ignore_errors=True)
        metrics = json.loads((out / METRICS).read_text())
        recipe = json.loads((out / "recipe.json").read_text())
        trained_as = json.loads((out.parent / _TRAINED_AS).read_text())
        about = {
            "version": version,
            "task": run.task,
            **trained_as,
            "backend": _BACKENDS[trained_as["strategy"]],
            "prompt_version": manifest.prompt_version,
            "temperature": metrics["temperature"],
            "longest_prompt_tokens": Recipe.model_validate(recipe).longest_prompt_tokens,
            "dataset_version": manifest.dataset_version,
        }
        (out / "README.md").write_text(model_card(about, manifest, recipe, metrics))
        reference = store(
            self.artifacts, out, model_uri(run.task, version), created_at=self.now(), about=about
        )
        model = TrainedModel.model_validate(
            {
                **about,
                "manifest": reference,
                "dataset_manifest": run.released.manifest,
            }
        )
        return ModelTrained(
            occurred_at=self.now(),
            task=run.task,
            model=model,
            run_id=run.run_id,
            metrics=_scalars(metrics),
        )


def _scalars(metrics: dict[str, Any]) -> dict[str, Any]:
    """An event carries the numbers; the curves lie beside the adapter."""
    return {name: value for name, value in metrics.items() if isinstance(value, str | int | float)}
