"""The trainer on real engines: a released dataset becomes a version, or a failure with a reason."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.trainer.store import Store, TrainingRun
from shared.errors import Rejected
from shared.events import ArtifactRef, DatasetReleased, ModelTrained, TrainingProgressed
from shared.messaging.outbox import Outbox
from shared.messaging.topics import MODELS_TRAINED, TRAININGS_PROGRESSED
from shared.runs.leases import LostLease
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.database import Database
from shared.storage.datasets import manifest_uri, read_manifest, refuse_unreleased
from shared.storage.model_registry import ModelManifest
from tests.connected.trainer.harness import ended, known, publish, trainer
from tests.support.builders.announcements import read_models, record_of
from tests.support.builders.datasets import release
from tests.support.builders.events import NOW, trained
from tests.support.engines.topics import events_of

_NUMBERS = itertools.count(int(time.time()))


async def test_a_released_dataset_becomes_an_immutable_version(
    engine: EngineSettings, artifacts: Artifacts, tmp_path: Path
) -> None:
    released = release(artifacts, next(_NUMBERS))
    async with trainer(engine, tmp_path) as client:
        await publish(engine, released)
        await publish(engine, released)
        run = await ended(client, released.dataset_version)
        models = await events_of(
            engine.kafka_bootstrap,
            MODELS_TRAINED,
            ModelTrained,
            wanted=lambda event: event.run_id == run["run_id"],
            count=1,
        )

    assert run["status"] == "succeeded"
    # A broker without producer ids may keep a confirmed record twice.
    (model,) = {event.event_id: event.model for event in models}.values()
    assert model.version == run["version"]
    assert model.dataset_version == released.dataset_version
    assert model.backend == "scikit-learn"
    assert model.longest_prompt_tokens is None
    assert model.temperature > 0
    manifest = ModelManifest.model_validate_json(artifacts.get(model.manifest))
    assert {"README.md", "recipe.json", "metrics.json"} < set(manifest.files)
    card = artifacts.get(manifest.files["README.md"]).decode()
    assert run["version"] in card
    assert released.dataset_version in card


async def test_held_out_cases_never_reach_the_trainer(
    engine: EngineSettings, artifacts: Artifacts, tmp_path: Path
) -> None:
    """The test split is not even readable, and training succeeds."""
    released = release(artifacts, next(_NUMBERS))
    content = artifacts.get(released.manifest).decode()
    shard = next(part for part in content.split('"') if part.endswith("/test.jsonl"))
    artifacts.put(shard, b"unreadable")
    async with trainer(engine, tmp_path) as client:
        await publish(engine, released)
        run = await ended(client, released.dataset_version)

    assert run["status"] == "succeeded"


async def test_nothing_is_learned_from_what_was_approved_in_part(
    engine: EngineSettings, artifacts: Artifacts, tmp_path: Path
) -> None:
    released = release(artifacts, next(_NUMBERS), in_part=True)
    async with trainer(engine, tmp_path) as client:
        await publish(engine, released)
        run = await ended(client, released.dataset_version)

    assert (run["status"], run["version"]) == ("failed", None)
    assert "no cases" in run["reason"]


async def test_a_damaged_dataset_fails_the_run_and_the_next_release_tries_again(
    engine: EngineSettings, artifacts: Artifacts, tmp_path: Path
) -> None:
    damaged = release(artifacts, next(_NUMBERS))
    shards = read_manifest(artifacts, damaged.manifest).shards
    artifacts.put(shards["train"][0].ref.uri, b"damaged")
    sound = release(artifacts, next(_NUMBERS))
    async with trainer(engine, tmp_path) as client:
        await publish(engine, damaged)
        failed = await ended(client, damaged.dataset_version)
        await publish(engine, sound)
        succeeded = await ended(client, sound.dataset_version)
        told = await events_of(
            engine.kafka_bootstrap,
            TRAININGS_PROGRESSED,
            TrainingProgressed,
            wanted=lambda e: e.run_id == failed["run_id"] and e.status == "failed",
            count=1,
        )

    assert failed["status"] == "failed"
    assert "another hash" in failed["reason"]
    assert {event.reason for event in told} == {failed["reason"]}
    assert succeeded["status"] == "succeeded"


def forgeries(known: DatasetReleased, number: int) -> list[tuple[DatasetReleased, str]]:
    """Releases that nobody made, with the field that gives each away."""
    name, sha256 = f"adjudication-d{number}", known.manifest.sha256
    elsewhere = {"uri": "s3://nobodys-bucket/manifest.json"}
    missing = {"uri": manifest_uri("adjudication", number, sha256)}
    return [
        (known.model_copy(update={"dataset_version": name, "number": number}), "manifest"),
        (known.model_copy(update={"dataset_version": name}), "dataset_version"),
        (_with_manifest(known, elsewhere), "manifest"),
        (_with_manifest(known, missing, dataset_version=name, number=number), "manifest"),
        (_with_manifest(known, {"sha256": "0" * 64}), "manifest"),
    ]


def _with_manifest(
    released: DatasetReleased, manifest: dict[str, str], **changes: Any
) -> DatasetReleased:
    reference = released.manifest.model_copy(update=manifest)
    return released.model_copy(update={"manifest": reference, **changes})


async def test_a_release_that_nobody_made_is_refused_and_silences_none_to_come(
    engine: EngineSettings, artifacts: Artifacts, tmp_path: Path
) -> None:
    """Whatever number it has, and also if it names the manifest of another version."""
    known, sound = (release(artifacts, next(_NUMBERS)) for _ in range(2))
    forged = forgeries(known, next(_NUMBERS) + 10_000_000)
    for event, field in forged:
        with pytest.raises(Rejected) as refused:
            refuse_unreleased(artifacts, event)
        assert refused.value.field == field
    async with trainer(engine, tmp_path) as client:
        for event, _ in forged:
            await publish(engine, event)
        await publish(engine, sound)
        run = await ended(client, sound.dataset_version)
        runs = (await client.get("/v1/runs")).json()

    assert run["status"] == "succeeded"
    taken = {each["dataset_version"] for each in runs}
    assert not taken & {event.dataset_version for event, _ in forged}


async def test_a_failed_run_can_be_tried_again_by_an_operator_only(
    engine: EngineSettings, tmp_path: Path
) -> None:
    async with trainer(engine, tmp_path, TRAINING_WINDOW=closed_now()) as client:
        runs = (await client.get("/v1/runs")).json()
        failed = next(run for run in runs if run["status"] == "failed")
        nobody = await client.post(
            f"/v1/runs/{failed['run_id']}/retry", headers={"Authorization": ""}
        )
        retried = await client.post(f"/v1/runs/{failed['run_id']}/retry")
        again = await client.post(f"/v1/runs/{failed['run_id']}/retry")
    async with trainer(engine, tmp_path) as client:
        await ended(client, failed["dataset_version"])

    assert nobody.status_code == 401
    assert retried.status_code == 202
    assert again.status_code == 409


def closed_now() -> str:
    """A training window that will not open for an hour."""
    hour = time.gmtime().tm_hour
    return f"{(hour + 2) % 24:02d}:00-{(hour + 3) % 24:02d}:00"


async def test_outside_of_its_window_the_trainer_waits(
    engine: EngineSettings, artifacts: Artifacts, tmp_path: Path
) -> None:
    released = release(artifacts, next(_NUMBERS))
    async with trainer(engine, tmp_path, TRAINING_WINDOW=closed_now()) as client:
        await publish(engine, released)
        await known(client, released.dataset_version)
        await asyncio.sleep(3)
        waiting = await known(client, released.dataset_version)
    async with trainer(engine, tmp_path) as client:
        run = await ended(client, released.dataset_version)

    assert waiting["status"] == "queued"
    assert run["status"] == "succeeded"


@pytest.fixture
async def store(engine: EngineSettings) -> AsyncIterator[tuple[Store, Store]]:
    """Two workers' views of an empty table."""
    migrations = Path(__file__).parents[3] / "services" / "trainer" / "migrations"
    database = Database(engine, schema="trainer", migrations=migrations)
    await database.open()
    outbox = Outbox(database, service="trainer")
    await outbox.create()
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM trainer.runs")
    announced = read_models()
    yield (
        Store(database, outbox, announced, owner="one"),
        Store(database, outbox, announced, owner="two"),
    )
    await database.close()


def told(number: int) -> DatasetReleased:
    return DatasetReleased(
        occurred_at=NOW,
        task="adjudication",
        dataset_version=f"adjudication-d{number}",
        number=number,
        trigger=f"test:{number}",
        manifest=ArtifactRef(uri="s3://datasets/x/manifest.json", sha256="0" * 64, size_bytes=1),
        counts={},
        new_labels=1,
    )


async def test_later_releases_merge_into_the_newest(store: tuple[Store, Store]) -> None:
    one, _ = store
    await one.enqueue(told(1))
    running = await one.lease(limit=1, seconds=30)
    for number in (2, 3, 4):
        await one.enqueue(told(number))

    states = {row["dataset_version"]: row["status"] for row in await one.runs("adjudication")}
    assert running is not None
    assert states == {
        "adjudication-d1": "running",
        "adjudication-d2": "merged",
        "adjudication-d3": "merged",
        "adjudication-d4": "queued",
    }


async def leased(store: Store) -> TrainingRun:
    """The run of a release that has come in."""
    await store.enqueue(told(1))
    run = await store.lease(limit=5, seconds=300)
    assert run is not None
    return run


async def test_a_number_that_was_announced_before_a_restore_is_given_to_no_other_model(
    store: tuple[Store, Store],
) -> None:
    """The restored tables know a run with the number 0 that was not over, and none after it."""
    one, two = store
    first = await leased(one)
    assert [await one.assign_number(first) for _ in range(2)] == [0, 0]
    for version in ("adjudication-v1.0", "adjudication-v1.4", "adjudication-v1.x"):
        await two.announced.take(record_of(model_trained(version)))

    assert [await two.assign_number(first) for _ in range(2)] == [5, 5]


def model_trained(version: str) -> ModelTrained:
    return ModelTrained(
        occurred_at=NOW, task="adjudication", model=trained(version), run_id=f"run-{version}"
    )


async def test_one_run_a_task_and_a_lost_lease_counts_for_nothing(
    store: tuple[Store, Store],
) -> None:
    one, two = store
    first = await leased(one)
    assert await two.lease(limit=5, seconds=30) is None
    await one.extend(first, seconds=0)  # the lease is over
    second = await two.lease(limit=5, seconds=30)
    assert second is not None

    assert (second.run_id, second.attempt) == (first.run_id, 2)
    with pytest.raises(LostLease):
        await one.fail(first, "late", at=NOW)
    await two.extend(second, seconds=30)
