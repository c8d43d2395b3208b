"""Storage that refuses for a while is nobody's fault: no model and no training is given up."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from services.inference.serving import Serving
from shared.errors import Transient
from shared.events import ServedModel
from shared.health import Health
from shared.models.pool import ModelPool
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts, CorruptArtifact, MissingArtifact, in_thread
from shared.storage.model_registry import ModelCache
from tests.connected.trainer.harness import ended, publish, trainer
from tests.support.builders.datasets import release
from tests.support.builders.events import rollout
from tests.support.engines.refusing_proxy import (
    BUSY,
    BY_A_FIREWALL,
    EXPIRED,
    FORBIDDEN,
    RefusingProxy,
    refusing_proxy,
)
from tests.support.models.linear import store_linear_model
from tests.support.patience import PATIENCE_SECONDS


@pytest.fixture
async def proxy(settings: EngineSettings) -> AsyncIterator[RefusingProxy]:
    async with refusing_proxy(settings.s3_endpoint) as found:
        yield found


@pytest.fixture
def through(settings: EngineSettings, proxy: RefusingProxy, database: str) -> EngineSettings:
    fields = {**settings.model_dump(), "s3_endpoint": proxy.address, "database_url": database}
    return EngineSettings.model_validate(fields)


@pytest.mark.parametrize("refusal", [FORBIDDEN, EXPIRED, BUSY, BY_A_FIREWALL], ids=str)
async def test_whoever_is_refused_may_try_again(
    settings: EngineSettings,
    through: EngineSettings,
    proxy: RefusingProxy,
    refusal: tuple[int, str, str],
) -> None:
    uri = f"s3://models/refused/{uuid4().hex}"
    ref = await in_thread(Artifacts(settings).put, uri, b"content")
    artifacts = Artifacts(through)
    assert await in_thread(artifacts.get, ref) == b"content"

    proxy.refusal = refusal
    for ask in (
        lambda: artifacts.get(ref),
        lambda: artifacts.put(uri, b"other"),
        lambda: artifacts.exists(uri),
        artifacts.create_buckets,
    ):
        with pytest.raises(Transient, match="object storage"):
            await in_thread(ask)
    proxy.refusal = None

    assert await in_thread(artifacts.get, ref) == b"content"


async def test_what_is_missing_and_what_is_broken_are_two_things(settings: EngineSettings) -> None:
    artifacts = Artifacts(settings)
    ref = artifacts.put(f"s3://models/broken/{uuid4().hex}", b"content")
    artifacts.put(ref.uri, b"another")

    with pytest.raises(MissingArtifact):
        artifacts.read(f"s3://models/missing/{uuid4().hex}")
    with pytest.raises(CorruptArtifact, match="another hash") as broken:
        artifacts.get(ref)
    assert not isinstance(broken.value, MissingArtifact)


async def serves(serving: Serving, version: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while version not in serving.pool.versions or serving.health.alerts:
            await asyncio.sleep(0.05)


async def test_an_inference_process_that_starts_then_refuses_no_model(
    settings: EngineSettings, through: EngineSettings, proxy: RefusingProxy, tmp_path: Path
) -> None:
    version = "adjudication-v4.0"
    model = store_linear_model(Artifacts(settings), tmp_path / "made", version)
    cache = ModelCache(Artifacts(through), tmp_path / "cache")
    serving = Serving(ModelPool(cache, "cpu"), Health())
    proxy.refusal = FORBIDDEN
    running = asyncio.create_task(serving.run())
    try:
        await serving.want(rollout(champion=ServedModel(model=model, threshold=0.9)))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "models" not in serving.health.alerts:
                await asyncio.sleep(0.05)
        said = serving.health.alerts["models"]
        settled = asyncio.create_task(serving.settled())
        assert not (await asyncio.wait({settled}, timeout=2))[0]  # nor does it take work
        proxy.refusal = None
        await serves(serving, version)
        await settled
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert said == "waiting: object storage refuses for now: AccessDenied"
    assert serving.active["adjudication"].champion is not None


async def test_a_model_that_is_missing_is_used_once_it_is_there(
    settings: EngineSettings, tmp_path: Path
) -> None:
    version = "adjudication-v4.1"
    artifacts = Artifacts(settings)
    model = store_linear_model(artifacts, tmp_path / "made", version)
    manifest = artifacts.read(model.manifest.uri)
    elsewhere = model.manifest.model_copy(
        update={"uri": model.manifest.uri.replace(version, f"{version}-{uuid4().hex}")}
    )
    moved = model.model_copy(update={"manifest": elsewhere})
    serving = Serving(ModelPool(ModelCache(artifacts, tmp_path / "cache"), "cpu"), Health())
    running = asyncio.create_task(serving.run())
    try:
        await serving.want(rollout(champion=ServedModel(model=moved, threshold=0.9)))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await serving.settled()  # it holds up nobody
        said = dict(serving.health.alerts)
        artifacts.put(elsewhere.uri, manifest)
        await serves(serving, version)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert "is missing from object storage" in said[f"model {version}"]


async def test_a_training_is_tried_again_until_it_is_served(
    settings: EngineSettings, through: EngineSettings, proxy: RefusingProxy, tmp_path: Path
) -> None:
    released = release(Artifacts(settings), int(time.time()))
    proxy.refusal = FORBIDDEN
    async with trainer(through, tmp_path, attempts=1) as client:
        await publish(through, released)
        reasons: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len([r for r in reasons if "refuses for now" in r]) < 20:
                reasons.append((await client.get("/health/ready")).json()["reason"])
                await asyncio.sleep(0.2)  # the health says so all the time
        proxy.refusal = None
        run = await ended(client, released.dataset_version)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await client.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.1)
    first = next(number for number, reason in enumerate(reasons) if "refuses for now" in reason)

    assert run["status"] == "succeeded"
    assert all("AccessDenied" in reason for reason in reasons[first:])
