"""A trained model in, a candidate noted. Nothing is evaluated in a handler."""

from collections.abc import Sequence

from services.evaluator.store import Store
from shared.events import ModelTrained
from shared.storage.artifacts import Artifacts, in_thread
from shared.storage.model_registry import refuse_unstored
from shared.tasks import get_task


class Handlers:
    def __init__(self, store: Store, artifacts: Artifacts) -> None:
        self.store = store
        self.artifacts = artifacts

    async def models_trained(self, trained: Sequence[ModelTrained]) -> None:
        for event in trained:
            get_task(event.task)
            await in_thread(refuse_unstored, self.artifacts, event.model)
            await self.store.add_candidate(event)
