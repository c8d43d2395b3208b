"""A released dataset version in, a queued run out. Nothing is ever trained in a handler."""

from collections.abc import Sequence

from pydantic import ValidationError

from services.trainer.store import Store
from shared.errors import Conflict, NotFound
from shared.events import DatasetReleased
from shared.storage.artifacts import Artifacts, CorruptArtifact, in_thread
from shared.storage.datasets import manifest_uri, read_manifest
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


def refuse_unreleased(artifacts: Artifacts, released: DatasetReleased) -> None:
    """`Rejected` unless object storage holds the version that the event tells of.

    The manifest is there before the event is. So no record of somebody else's stands for a version,
    or takes the place of those to come by a number that is higher.
    """
    reference = released.manifest
    if reference.uri != manifest_uri(released.task, released.number, reference.sha256):
        raise Conflict("is not where the manifest of this version lies", field="manifest")
    try:
        manifest = read_manifest(artifacts, reference)
    except CorruptArtifact:
        raise NotFound("object storage holds no such dataset version", field="manifest") from None
    except ValidationError:
        raise Conflict("is no manifest of a dataset version", field="manifest") from None
    told = (released.dataset_version, released.task, released.number)
    if (manifest.dataset_version, manifest.task, manifest.number) != told:
        raise Conflict("is not what its manifest says", field="dataset_version")
