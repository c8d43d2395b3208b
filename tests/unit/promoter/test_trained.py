"""Which versions have been trained: read whole, and waited for a moment."""

import asyncio
import math

import pytest
from aiokafka import ConsumerRecord

from services.promoter import trained as module
from services.promoter.trained import TrainedVersions
from shared.events import ModelTrained, TrainedModel
from shared.health import Health
from shared.settings import EngineSettings
from tests.support.builders.events import NOW, trained
from tests.support.patience import PATIENCE_SECONDS

V0, V1 = "adjudication-v1.0", "adjudication-v1.1"


@pytest.fixture
def versions() -> TrainedVersions:
    """As far as a process is once it has read what stood in the topic: nothing."""
    found = TrainedVersions(EngineSettings(), service="promoter-test", health=Health())
    look(found, math.inf)
    return found


def look(versions: TrainedVersions, at: float) -> None:
    """As if all that stood on the topic at that moment were read."""
    versions._follower._current_as_of = at
    versions._follower._looked.set()


async def tell(versions: TrainedVersions, model: TrainedModel) -> None:
    event = ModelTrained(occurred_at=NOW, task=model.task, model=model, run_id="run-1")
    await take(versions, event.model_dump_json().encode())


async def take(versions: TrainedVersions, value: bytes | None) -> None:
    record = ConsumerRecord("models.trained.v1", 0, 0, 0, 0, None, value, None, 0, 0, ())
    await versions.take(record)


async def test_what_is_read_a_moment_later_is_waited_for(
    versions: TrainedVersions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", PATIENCE_SECONDS)
    await tell(versions, trained(V0))
    finding = asyncio.create_task(versions.find({V0, V1}))
    await asyncio.sleep(0)
    assert not finding.done()
    await tell(versions, trained(V1))

    assert await finding == {V0: {trained(V0)}, V1: {trained(V1)}}


async def test_what_nobody_has_trained_is_not_waited_for_for_ever(
    versions: TrainedVersions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    await tell(versions, trained(V0))
    assert await versions.find({V0, V1}) == {V0: {trained(V0)}}


async def test_before_the_topic_is_read_nobody_is_called_untrained(
    versions: TrainedVersions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)
    look(versions, -math.inf)
    finding = asyncio.create_task(versions.find({V0}))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not finding.done()
    await tell(versions, trained(V0))
    look(versions, math.inf)

    assert await finding == {V0: {trained(V0)}}


async def test_nothing_that_is_told_takes_the_place_of_what_was_trained(
    versions: TrainedVersions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model of one version under the name of another is none of either."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)
    invented = trained(V0, temperature=9.0)
    await take(versions, b"no event")
    await take(versions, None)
    await tell(versions, invented)
    await tell(versions, trained(V0))
    await tell(versions, trained(V1, manifest=trained(V0).manifest))

    assert await versions.find({V0, V1}) == {V0: {trained(V0), invented}}
