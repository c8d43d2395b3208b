"""A trained model in, a candidate noted. Nothing is evaluated in a handler."""

from collections.abc import Sequence

from services.evaluator.store import Store
from shared.events import ModelTrained
from shared.tasks import get_task


class Handlers:
    def __init__(self, store: Store) -> None:
        self.store = store

    async def models_trained(self, trained: Sequence[ModelTrained]) -> None:
        for event in trained:
            get_task(event.task)
            await self.store.add_candidate(event)
