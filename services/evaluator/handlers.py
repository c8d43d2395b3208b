"""A trained model in, a candidate noted. Nothing is evaluated in a handler."""

from collections.abc import Sequence

from services.evaluator.store import Store
from shared.errors import Conflict, NotFound
from shared.events import ModelTrained, TrainedModel
from shared.storage.artifacts import Artifacts, CorruptArtifact, in_thread
from shared.storage.model_registry import is_place_of
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


def refuse_unstored(artifacts: Artifacts, model: TrainedModel) -> None:
    """`Rejected` unless object storage holds the model. It is there before the event is: so no
    record of somebody else's takes the place of a version that is yet to be trained."""
    if not is_place_of(model):
        raise Conflict("is not where a model of this version lies", field="model.manifest")
    try:
        artifacts.get(model.manifest)
    except CorruptArtifact:
        raise NotFound("object storage holds no such model", field="model.manifest") from None
