"""Which versions have been trained: the whole topic, as this process has read it.

An evaluation names a version that was trained before. What is not known here may not have been read
yet, after an outage for one: it is looked for to the end of the topic, and a moment longer.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import ConsumerRecord

from shared.errors import Rejected
from shared.events import ModelTrained, TrainedModel
from shared.health import Health
from shared.messaging.encoding import decode
from shared.messaging.following import Follower
from shared.messaging.topics import MODELS_TRAINED
from shared.settings import EngineSettings
from shared.storage.model_registry import is_place_of
from shared.telemetry import logger

# By version; one that is not among them was not trained.
TrainedModels = Mapping[str, frozenset[TrainedModel]]

WAIT_SECONDS = 2.0


class TrainedVersions:
    """Every model that was told of a version, where models of that version lie. Which of them it is
    the evaluator knows: it evaluates the one that object storage holds."""

    def __init__(self, settings: EngineSettings, *, service: str, health: Health) -> None:
        self._models: dict[str, frozenset[TrainedModel]] = {}
        self._news = asyncio.Event()
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
        """What was told of these versions, once all are known, or all is read and a moment over."""
        if not set(versions) <= self._models.keys():
            await self._follower.read_until_now()
        until = asyncio.get_running_loop().time() + WAIT_SECONDS
        while not set(versions) <= self._models.keys():
            self._news.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                break
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
            self._news.set()
