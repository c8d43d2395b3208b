"""Which versions have been trained: the whole topic, as this process has read it.

An evaluation names a version that was trained before. One that is not known here may not have been
read yet, as after an outage: it is looked for to the end of the topic, however long that takes.
"""

from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import ConsumerRecord

from shared.errors import Rejected
from shared.events import ModelTrained, TrainedModel
from shared.health import Health
from shared.messaging.encoding import decode
from shared.messaging.readers.following import Follower
from shared.messaging.topics import MODELS_TRAINED
from shared.settings import EngineSettings
from shared.storage.model_registry import is_place_of
from shared.telemetry import logger

# By version; one that is not among them was trained by nobody.
TrainedModels = Mapping[str, frozenset[TrainedModel]]


class TrainedVersions:
    """Every model that was told of a version, where models of that version lie. Which of them it is
    the evaluator knows: it evaluates the one that object storage holds."""

    def __init__(self, settings: EngineSettings, *, service: str, health: Health) -> None:
        self._models: dict[str, frozenset[TrainedModel]] = {}
        self._follower = Follower(
            settings,
            health,
            MODELS_TRAINED,
            client_id=f"caseloop-{service}-trained",
            part="trained versions",
            take=self.take,
        )

    async def run(self) -> None:
        """Follow the topic forever."""
        await self._follower.run()

    async def find(self, versions: Collection[str]) -> TrainedModels:
        """What was told of these versions, until all are known or all of the topic is read."""
        if not set(versions) <= self._models.keys():
            await self._follower.read_until_now()
        return {version: self._models[version] for version in versions if version in self._models}

    async def take(self, record: "ConsumerRecord[Any, Any]") -> None:
        """A record of the topic; of one that is none the evaluator makes a dead letter."""
        try:
            model = decode(record.value, ModelTrained).model
        except Rejected as error:
            logger.warning("unreadable training", offset=record.offset, reason=str(error))
            return
        if is_place_of(model):
            self._models[model.version] = self._models.get(model.version, frozenset()) | {model}
