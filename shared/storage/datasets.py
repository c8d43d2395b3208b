"""What a dataset version looks like in object storage, and how to read a split of it.

A version is a manifest over immutable JSONL shards. A corrected label is a new example with a
higher revision and a tombstone for the ones before it, a withdrawn one only the tombstone; nothing
is ever rewritten.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from shared.errors import Conflict
from shared.events.base import ArtifactRef, Frozen, InclusionProbability
from shared.events.models import DatasetReleased, Split
from shared.storage.artifacts import DATASETS, Artifacts
from shared.tasks.task import Prompt, Standing

SPLITS: tuple[Split, ...] = ("train", "validation", "calibration", "certification", "test")
# What a trainer may see. The rest measures what it made of it.
TRAINING_SPLITS: tuple[Split, ...] = ("train", "validation", "calibration")


class Message(Frozen):
    role: Literal["system", "user", "assistant"]
    content: str


class ImportSource(Frozen):
    """Where imported labels come from: which file, who brought it, and who let it in."""

    import_id: str
    name: str
    sha256: str | None  # of the file; none for imports older than this field
    imported_by: str
    imported_at: AwareDatetime
    confirmed_by: str | None  # none where the settings ask for no second person


class CountedSource(Frozen):
    """How many of a version's labels come from an import."""

    origin: ImportSource
    labels: int


class Example(Frozen):
    """One line of a shard: a settled expert label as a conversation."""

    case_id: str
    revision: int = 0
    group_id: str
    label: str
    reason: str  # why the case was reviewed; "import" for history
    source: Literal["review", "import"]
    inclusion_probability: InclusionProbability
    # What its checks leave of the case; a line of before the checks were recorded says nothing.
    standing: Standing = "unchecked"
    in_part: bool = False  # a part only was approved, which no model can say: nothing to train on
    origin: ImportSource | None = None  # of an imported label
    messages: tuple[Message, ...]  # system, user, assistant

    @property
    def prompt(self) -> Prompt:
        """The case as the models read it: everything but the answer."""
        texts = {message.role: message.content for message in self.messages}
        return Prompt(system=texts.get("system", ""), user=texts["user"])


class Shard(Frozen):
    """An immutable JSONL file of examples."""

    ref: ArtifactRef
    examples: int


class Tombstone(Frozen):
    """Examples of this case with a revision below `revision` no longer count: the label was
    corrected, or withdrawn, and then there is no newer one."""

    case_id: str
    revision: int


class DatasetManifest(Frozen):
    """A dataset version: shards per split, in the order of their releases."""

    dataset_version: str
    task: str
    number: int
    trigger: str
    created_at: datetime
    labels: tuple[str, ...]
    prompt_version: str
    shards: dict[Split, tuple[Shard, ...]]
    tombstones: tuple[Tombstone, ...] = ()
    counts: dict[Split, dict[str, int]]
    reasons: dict[str, int] = Field(default_factory=dict)
    imports: tuple[CountedSource, ...] = ()


def manifest_uri(task: str, number: int, sha256: str) -> str:
    """A name that holds its content's hash: no late or repeated upload overwrites a version."""
    return f"s3://{DATASETS}/{task}/d{number}/manifest-{sha256[:16]}.json"


def shard_uri(task: str, number: int, split: Split, sha256: str) -> str:
    return f"s3://{DATASETS}/{task}/d{number}/{split}-{sha256[:16]}.jsonl"


def read_manifest(artifacts: Artifacts, ref: ArtifactRef) -> DatasetManifest:
    return DatasetManifest.model_validate_json(artifacts.get(ref))


def read_split(artifacts: Artifacts, manifest: DatasetManifest, split: Split) -> Iterator[Example]:
    """The examples of a split that still count, oldest first."""
    dead = {stone.case_id: stone.revision for stone in manifest.tombstones}
    for shard in manifest.shards.get(split, ()):
        for line in artifacts.get(shard.ref).splitlines():
            example = Example.model_validate_json(line)
            if example.revision >= dead.get(example.case_id, 0):
                yield example


def refuse_unreleased(artifacts: Artifacts, released: DatasetReleased) -> None:
    """`Rejected` unless object storage holds the version that the event tells of: nor does a number
    that is higher take the place of those to come."""
    reference = released.manifest
    place = manifest_uri(released.task, released.number, reference.sha256)
    content = artifacts.get_told(reference, in_place=reference.uri == place, field="manifest")
    try:
        manifest = DatasetManifest.model_validate_json(content)
    except ValidationError:
        raise Conflict("is no manifest of a dataset version", field="manifest") from None
    told = (released.dataset_version, released.task, released.number)
    if (manifest.dataset_version, manifest.task, manifest.number) != told:
        raise Conflict("is not what its manifest says", field="dataset_version")
