"""S3 away and back, for the services that keep things there: each in the middle of its work.

A candidate is being evaluated and another one trained, a dataset version is asked for, and an
inference process comes up that has its champion nowhere else.
"""

import asyncio
import itertools
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from pydantic import TypeAdapter

from deploy.cli.client import System
from deploy.embedded.stack import EmbeddedStack
from services.promoter.state import Rollout, Version
from shared.events import (
    DatasetReleased,
    Event,
    ModelEvaluated,
    ModelTrained,
    RolloutChanged,
    ServedModel,
)
from shared.messaging.topics import (
    DATASETS_RELEASED,
    MODELS_EVALUATED,
    MODELS_TRAINED,
    ROLLOUTS_CHANGED,
    topic_of,
)
from shared.settings import engine_settings
from shared.storage.artifacts import Artifacts
from shared.storage.datasets import read_manifest, read_split
from tests.connected.behavior.consumers import CONSUMERS
from tests.connected.behavior.marks import Marks
from tests.support.builders.datasets import release
from tests.support.builders.reviews import completed
from tests.support.engines.lifecycle import Engines
from tests.support.engines.topics import E, all_events_of
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

AWAY_SECONDS = 10
LABELS = [f"label-{number}" for number in range(20)]
ORDER = {"task": "adjudication", "key": "while storage is unavailable"}
SERVED = "independent_review-v9.0"  # of a task that nothing else here is about
ACCUMULATOR = next(each for each in CONSUMERS if each.service == "dataset_accumulator")
_NUMBERS = itertools.count(int(time.time()))


@dataclass(frozen=True)
class Interrupted:
    """What was going on while S3 was away, and what the accumulator said to an order."""

    training: DatasetReleased
    evaluated: str  # the version
    refused: httpx.Response
    answered: httpx.Response  # the same order, once S3 was back


@pytest.fixture(scope="module")
async def interrupted(
    own: Engines, stack: EmbeddedStack, producer: AIOKafkaProducer, marks: Marks
) -> Interrupted:
    artifacts = Artifacts(engine_settings(own.environment))
    first, second = (release(artifacts, next(_NUMBERS)) for _ in range(2))
    await asyncio.to_thread(stack.supervisor.stop, "evaluator")  # until there is work for both
    await send(producer, *map(completed, LABELS), first)
    assert await marks.counts(ACCUMULATOR, LABELS) == Counter(LABELS)
    trained = (await trained_on(own, first))[0].model
    served = ServedModel(
        model=trained.model_copy(update={"version": SERVED, "task": "independent_review"}),
        threshold=0.9,
    )
    await serve(own, served)
    await asyncio.to_thread(stack.supervisor.start, "evaluator")
    begun = ("running", "succeeded")  # on a busy machine, nobody may look in time
    await marks.found("evaluator.runs", "candidate", trained.version, *begun)
    await send(producer, second)
    await marks.found("trainer.runs", "dataset_version", second.dataset_version, *begun)
    with own.away("s3"):
        shutil.rmtree(Path(stack.environment["INFERENCE_MODEL_CACHE"]), ignore_errors=True)
        await asyncio.to_thread(stack.kill, "inference")
        refused = await order(stack)
        await asyncio.sleep(AWAY_SECONDS)
    await asyncio.to_thread(stack.wait_healthy, timeout=PATIENCE_SECONDS)
    return Interrupted(second, trained.version, refused, await order(stack))


async def serve(own: Engines, served: ServedModel) -> None:
    """Have the promoter's tables say that the version is champion, and then the topic, too."""
    task = served.model.task
    state = Rollout(task, revision=1, number=1, champion=Version(served, None, accept_rate=0.0))
    connection = await asyncpg.connect(own.environment["DATABASE_URL"])
    try:
        await connection.execute(
            "INSERT INTO promoter.rollouts (task, revision, state) VALUES ($1, 1, $2) "
            "ON CONFLICT (task) DO UPDATE SET revision = 1, state = $2",
            task,
            TypeAdapter(Rollout).dump_json(state).decode(),
        )
    finally:
        await connection.close()
    await all_events_of(
        own.environment["KAFKA_BOOTSTRAP"],
        ROLLOUTS_CHANGED,
        RolloutChanged,
        wanted=lambda e: e.task == task and e.champion == served,
    )


async def send(producer: AIOKafkaProducer, *events: Event) -> None:
    for event in events:
        value, key = event.model_dump_json().encode(), event.key.encode()
        await producer.send(topic_of(event).name, value, key=key)
    await producer.flush()


async def order(stack: EmbeddedStack) -> httpx.Response:
    """Ask the accumulator for a dataset version, as an operator does by hand."""
    system = System(stack.environment)
    headers = {"Authorization": f"Bearer {system.token('operate')}"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS) as client:
        return await client.post(f"{system.url('dataset_accumulator')}/v1/releases", json=ORDER)


async def trained_on(own: Engines, released: DatasetReleased) -> list[ModelTrained]:
    version = released.dataset_version
    return await all_events_of(
        own.environment["KAFKA_BOOTSTRAP"],
        MODELS_TRAINED,
        ModelTrained,
        wanted=lambda e: e.model.dataset_version == version,
    )


def contents(events: list[E]) -> set[str]:
    """Sent again, an event is the same to the letter."""
    return {event.model_dump_json() for event in events}


async def test_the_accumulator_refuses_while_it_is_away_and_releases_each_label_once(
    own: Engines, interrupted: Interrupted
) -> None:
    refused, answered = interrupted.refused, interrupted.answered
    released = DatasetReleased.model_validate(answered.json())
    told = await all_events_of(
        own.environment["KAFKA_BOOTSTRAP"],
        DATASETS_RELEASED,
        DatasetReleased,
        wanted=lambda e: e.trigger == released.trigger,
    )
    artifacts = Artifacts(engine_settings(own.environment))
    manifest = read_manifest(artifacts, released.manifest)
    examples = [e for split in manifest.shards for e in read_split(artifacts, manifest, split)]

    assert refused.status_code == 503
    assert "storage" in refused.json()["detail"]
    assert answered.status_code == 201
    assert contents(told) == {released.model_dump_json()}
    assert Counter(example.case_id for example in examples) == Counter(LABELS)


async def test_the_trainer_waits_and_publishes_one_version(
    own: Engines, interrupted: Interrupted, marks: Marks
) -> None:
    version = interrupted.training.dataset_version
    told = await trained_on(own, interrupted.training)

    assert len(contents(told)) == 1
    await marks.found("trainer.runs", "dataset_version", version, "succeeded")


async def test_the_evaluator_waits_and_publishes_one_verdict(
    own: Engines, interrupted: Interrupted, marks: Marks
) -> None:
    version = interrupted.evaluated
    told = await all_events_of(
        own.environment["KAFKA_BOOTSTRAP"],
        MODELS_EVALUATED,
        ModelEvaluated,
        wanted=lambda e: e.model.version == version,
    )

    assert len(contents(told)) == 1
    await marks.found("evaluator.runs", "candidate", version, "succeeded")


async def test_inference_loads_its_champion_once_it_can(
    stack: EmbeddedStack, interrupted: Interrupted
) -> None:
    system = System(stack.environment)
    loaded: list[str] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while SERVED not in loaded:
            await asyncio.sleep(0.5)
            loaded = (await asyncio.to_thread(system.get, "inference", "/v1/models"))["loaded"]

    assert loaded == [SERVED]
