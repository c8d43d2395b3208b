"""A released dataset version in, a queued run out. Nothing is ever trained in a handler."""

from collections.abc import Sequence

from services.trainer.store import Store
from shared.events import DatasetReleased
from shared.storage.artifacts import Artifacts, in_thread
from shared.storage.datasets import refuse_unreleased
from shared.tasks import get_task


class Handlers:
    def __init__(self, store: Store, artifacts: Artifacts) -> None:
        self.store = store
        self.artifacts = artifacts

    async def datasets_released(self, releases: Sequence[DatasetReleased]) -> None:
        for released in releases:
            get_task(released.task)
            await in_thread(refuse_unreleased, self.artifacts, released)
            await self.store.enqueue(released)
