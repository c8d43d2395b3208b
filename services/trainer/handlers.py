"""A released dataset version in, a queued run out. Nothing is ever trained in a handler."""

from collections.abc import Sequence

from services.trainer.store import Store
from shared.events import DatasetReleased


class Handlers:
    def __init__(self, store: Store) -> None:
        self.store = store

    async def datasets_released(self, releases: Sequence[DatasetReleased]) -> None:
        for released in releases:
            await self.store.enqueue(released)
