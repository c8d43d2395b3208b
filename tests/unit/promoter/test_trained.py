"""Which versions have been trained, and as which models."""

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

    assert await versions.find({V0, V1}) == {V0: {trained(V0), invented}}
