"""Which versions have been trained, and as which models."""

import asyncio
import math

import pytest
from aiokafka import ConsumerRecord

from services.promoter.trained import TrainedVersions
from shared.events import ModelTrained, TrainedModel
from shared.health import Health
from shared.settings import EngineSettings
from tests.support.builders.events import NOW, trained

V0, V1 = "adjudication-v1.0", "adjudication-v1.1"


@pytest.fixture
def versions() -> TrainedVersions:
    return TrainedVersions(EngineSettings(), service="promoter-test", health=Health())


def read_to_the_end(versions: TrainedVersions) -> None:
    """As if no more stood on the topic, now and later."""
    versions._follower._is_current(math.inf)


async def tell(versions: TrainedVersions, model: TrainedModel) -> None:
    event = ModelTrained(occurred_at=NOW, task=model.task, model=model, run_id="run-1")
    await take(versions, event.model_dump_json().encode())


async def take(versions: TrainedVersions, value: bytes | None) -> None:
    record = ConsumerRecord("models.trained.v1", 0, 0, 0, 0, None, value, None, 0, 0, ())
    await versions.take(record)


async def test_nothing_that_is_told_takes_the_place_of_what_was_trained(
    versions: TrainedVersions,
) -> None:
    """The model of one version under the name of another is none of either."""
    invented = trained(V0, temperature=9.0)
    await take(versions, b"no event")
    await take(versions, None)
    await tell(versions, invented)
    await tell(versions, trained(V0))
    await tell(versions, trained(V1, manifest=trained(V0).manifest))
    read_to_the_end(versions)

    assert await versions.find({V0, V1}) == {V0: {trained(V0), invented}}


async def test_what_is_not_read_yet_is_waited_for(versions: TrainedVersions) -> None:
    """An evaluation comes before our reader has its training: after an outage, for one."""
    await tell(versions, trained(V0))
    assert await versions.find({V0}) == {V0: {trained(V0)}}  # it is known, whatever else there is
    finding = asyncio.create_task(versions.find({V1}))
    await asyncio.sleep(0)
    assert not finding.done()
    await tell(versions, trained(V1))
    read_to_the_end(versions)

    assert await finding == {V1: {trained(V1)}}
