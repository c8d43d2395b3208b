"""What becomes of a run whose child comes to grief: a reason, or another try; then the next one."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deploy.cli.base_models import register
from services.trainer import worker
from services.trainer.store import Store
from shared.errors import Transient
from shared.events import ArtifactRef, ModelTrained, Split, TrainingProgressed
from shared.messaging.topics import MODELS_TRAINED, TRAININGS_PROGRESSED
from shared.runs import worker as run_worker
from shared.runs.child_process import ChildOutcome, run_module
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.model_registry import store_model
from tests.connected.trainer.harness import ended, publish, trainer
from tests.support.builders.datasets import release
from tests.support.children import children_that_run
from tests.support.engines.topics import events_of, events_until
from tests.support.models.tiny_base_model import save_tiny_base
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

SMALL: Mapping[Split, int] = {"train": 16, "validation": 4, "calibration": 8, "test": 4}
QUICK = {"rank": 2, "epochs": 1, "least_steps": 4}
_NUMBERS = itertools.count(int(time.time()))


@pytest.fixture(scope="module")
def base(
    engines: dict[str, str], engine: EngineSettings, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a base model that learns nothing, but fast."""
    directory = save_tiny_base(tmp_path_factory.mktemp("base"), positions=4096)
    register(str(directory), name="tiny", settings=engines)
    return "tiny"


def recipe(directory: Path, **changes: float) -> Path:
    path = directory / "recipe.json"
    path.write_text(json.dumps({**QUICK, **changes}))
    return path


def training() -> list[psutil.Process]:
    return children_that_run("services.trainer.train")


async def kill_after(step: int, client: httpx.AsyncClient, version: str) -> int:
    """Kill the child once the run's progress shows that step, or a later one: the one shown.

    It stands still while the progress is asked for, or on a busy machine it would be at its end.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for child in training():
                child.suspend()
                if (shown := await step_of(client, version)) >= step:
                    child.kill()
                    return shown
                child.resume()
            await asyncio.sleep(0.05)


async def step_of(client: httpx.AsyncClient, version: str) -> int:
    runs = (await client.get("/v1/runs")).json()
    steps = [run["progress"].get("step", 0) for run in runs if run["dataset_version"] == version]
    return int(steps[0]) if steps else 0


@asynccontextmanager
async def killer(times: int) -> AsyncIterator[list[int]]:
    """Kills so many children of this process as soon as they train, as the kernel does where
    memory runs out; who was killed.
    """
    killed: list[int] = []

    async def kill() -> None:
        while len(killed) < times:
            for child in training():
                if child.pid not in killed:
                    child.kill()
                    killed.append(child.pid)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(kill())
    yield killed
    task.cancel()


async def test_a_run_that_diverges_fails_with_its_reason_and_the_next_one_succeeds(
    engine: EngineSettings, artifacts: Artifacts, base: str, tmp_path: Path
) -> None:
    first, second = (release(artifacts, next(_NUMBERS), sizes=SMALL) for _ in range(2))
    lora = {"strategy": "lora", "base_model": base}
    wild = recipe(tmp_path, learning_rate=1e30, gradient_norm=1e30)
    async with trainer(engine, tmp_path, recipe=wild, **lora) as client:
        await publish(engine, first)
        failed = await ended(client, first.dataset_version)
    async with trainer(engine, tmp_path, recipe=recipe(tmp_path), **lora) as client:
        await publish(engine, second)
        succeeded = await ended(client, second.dataset_version)

    assert failed["status"] == "failed"
    assert failed["reason"].startswith("diverged: the loss was ")
    assert failed["version"] is None
    assert succeeded["status"] == "succeeded"


async def test_a_run_that_is_killed_is_tried_again(
    engine: EngineSettings, artifacts: Artifacts, base: str, tmp_path: Path
) -> None:
    released = release(artifacts, next(_NUMBERS), sizes=SMALL)
    quick = recipe(tmp_path)
    async with (
        trainer(engine, tmp_path, strategy="lora", base_model=base, recipe=quick) as client,
        killer(1) as killed,
    ):
        await publish(engine, released)
        run = await ended(client, released.dataset_version)

    assert len(killed) == 1
    assert (run["status"], run["attempts"]) == ("succeeded", 2)


async def test_a_run_that_is_killed_goes_on_from_its_checkpoint(
    engine: EngineSettings, artifacts: Artifacts, base: str, tmp_path: Path
) -> None:
    released = release(artifacts, next(_NUMBERS), sizes=SMALL)
    long = recipe(tmp_path, least_steps=100, checkpoint_every=10)
    async with trainer(engine, tmp_path, strategy="lora", base_model=base, recipe=long) as client:
        await publish(engine, released)
        shown = await kill_after(10, client, released.dataset_version)
        run = await ended(client, released.dataset_version)
        told = await events_until(
            engine.kafka_bootstrap,
            TRAININGS_PROGRESSED,
            TrainingProgressed,
            wanted=lambda event: event.run_id == run["run_id"],
            enough=lambda found: any(event.status == "succeeded" for event in found),
        )

    assert (run["status"], run["attempts"]) == ("succeeded", 2)
    steps = [event.step for event in told if event.status == "running"]
    later = steps[steps.index(shown) + 1 :]
    assert later
    assert min(later) > 10  # from the beginning it would be 1


async def test_a_run_that_is_killed_each_time_fails_and_leaves_no_version(
    engine: EngineSettings, artifacts: Artifacts, base: str, tmp_path: Path
) -> None:
    released = release(artifacts, next(_NUMBERS), sizes=SMALL)
    async with (
        trainer(engine, tmp_path, strategy="lora", base_model=base, attempts=2) as client,
        killer(2) as killed,
    ):
        await publish(engine, released)
        run = await ended(client, released.dataset_version)

    assert len(killed) == 2
    assert (run["status"], run["reason"]) == ("failed", "killed by SIGKILL")
    assert run["version"] is None


async def test_an_outage_at_the_end_costs_no_training_and_no_attempt(
    engine: EngineSettings,
    artifacts: Artifacts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Object storage is unavailable just when the version is to be stored, more often than runs are
    tried."""
    released = release(artifacts, next(_NUMBERS), sizes=SMALL)
    outages = iter(range(4))
    trained = []

    def away(*arguments: Any, **named: Any) -> ArtifactRef:
        if next(outages, None) is not None:
            raise Transient("object storage is unavailable")
        return store_model(*arguments, **named)

    async def counted(*arguments: Any) -> ChildOutcome:
        trained.append(arguments)
        return await run_module(*arguments)

    monkeypatch.setattr(worker, "store_model", away)
    monkeypatch.setattr(run_worker, "run_module", counted)
    async with trainer(engine, tmp_path) as client:
        await publish(engine, released)
        run = await ended(client, released.dataset_version)

    assert (run["status"], run["attempts"], len(trained)) == ("succeeded", 1, 1)


async def test_a_database_that_is_away_for_a_moment_costs_no_training(
    engine: EngineSettings,
    artifacts: Artifacts,
    base: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released = release(artifacts, next(_NUMBERS), sizes=SMALL)
    trained = []

    async def away(*_: Any, **__: Any) -> None:
        raise Transient("PostgreSQL is unavailable")

    async def counted(*arguments: Any) -> ChildOutcome:
        trained.append(arguments)
        return await run_module(*arguments)

    monkeypatch.setattr(Store, "report", away)
    monkeypatch.setattr(run_worker, "run_module", counted)
    quick = recipe(tmp_path)
    async with trainer(engine, tmp_path, strategy="lora", base_model=base, recipe=quick) as client:
        await publish(engine, released)
        run = await ended(client, released.dataset_version)

    assert (run["status"], run["attempts"], len(trained)) == ("succeeded", 1, 1)


async def test_a_version_is_what_was_trained_whatever_the_settings_are_when_it_is_stored(
    engine: EngineSettings, artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = release(artifacts, next(_NUMBERS), sizes=SMALL)
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()

    def away(*_: Any, **__: Any) -> ArtifactRef:
        loop.call_soon_threadsafe(reached.set)
        raise Transient("object storage is unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(worker, "store_model", away)
        # Short, as it ends with the process: the next one waits until it is over.
        async with trainer(engine, tmp_path, strategy="linear", lease_seconds=5):
            await publish(engine, released)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await reached.wait()
    async with trainer(engine, tmp_path, strategy="lora", base_model="none such") as client:
        run = await ended(client, released.dataset_version)
    (trained,) = await events_of(
        engine.kafka_bootstrap,
        MODELS_TRAINED,
        ModelTrained,
        wanted=lambda event: event.run_id == run["run_id"],
        count=1,
    )

    assert (trained.model.strategy, trained.model.backend) == ("linear", "scikit-learn")
    assert trained.model.base_model is None
