"""A dataset version in the making: the previous one's shards, and one new shard per split.

Only new labels are written. What the version holds altogether is carried forward from the
manifest before it, so that the work does not grow with what was released earlier.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from services.dataset_accumulator.releasing.waiting_labels import WaitingLabel
from shared.errors import Rejected
from shared.events import ArtifactRef, Split
from shared.storage.artifacts import Artifacts, sha256_of
from shared.storage.datasets import (
    SPLITS,
    CountedSource,
    DatasetManifest,
    Example,
    ImportSource,
    Message,
    Shard,
    Tombstone,
    manifest_uri,
    shard_uri,
)
from shared.tasks.task import Task, answer_text
from shared.telemetry import logger

Counts = dict[Split, dict[str, int]]


def dataset_version(task: str, number: int) -> str:
    return f"{task}-d{number}"


@dataclass
class DatasetWriter:
    """Not yet a version: nothing of it counts before its row in `releases` is committed.

    `base` is the version before it, None for the first or if its texts are out of date, and
    `imports` says how many labels of which import it has.
    """

    task: Task
    base: DatasetManifest | None
    directory: Path
    imports: dict[str, int] = field(default_factory=dict)
    new_labels: int = 0
    dropped_labels: int = 0
    counts: Counts = field(init=False)
    reasons: dict[str, int] = field(init=False)
    tombstones: dict[str, Tombstone] = field(init=False)
    written: dict[Split, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        base = self.base
        self.counts = {split: dict.fromkeys(self.task.label_names, 0) for split in SPLITS}
        for split, labels in (base.counts if base else {}).items():
            self.counts[split].update(labels)
        self.reasons = dict(base.reasons) if base else {}
        self.tombstones = (
            {tombstone.case_id: tombstone for tombstone in base.tombstones} if base else {}
        )

    def add(self, labels: Sequence[WaitingLabel], sources: Mapping[str, ImportSource]) -> None:
        """Write labels to their split's file, drop those that are withheld, and count both."""
        lines = defaultdict(list)
        for label in labels:
            revision = self._revision_of(label)
            self._take_back(label, revision)
            if label.withheld is None:
                example = example_of(
                    self.task, label, revision=revision, origin=sources.get(label.import_id or "")
                )
                lines[label.split].append(example.model_dump_json() + "\n")
                self._count(label, 1)
                self.new_labels += 1
        for split, examples in lines.items():
            with self._path(split).open("a", encoding="utf-8") as file:
                file.writelines(examples)
            self.written[split] += len(examples)

    def _revision_of(self, label: WaitingLabel) -> int:
        """Above every example that an earlier version has of the case, however it was withdrawn."""
        stone = self.tombstones.get(label.case_id)
        least = stone.revision if stone else 0
        if label.released_revision is not None:
            least = max(least, label.released_revision) + 1
        return max(label.revision, least)

    def _take_back(self, label: WaitingLabel, revision: int) -> None:
        """Bury what the version before has of this label."""
        if label.released_label is None:
            return
        self.tombstones[label.case_id] = Tombstone(case_id=label.case_id, revision=revision)
        self._count(replace(label, label=label.released_label), -1)
        self.dropped_labels += label.withheld is not None

    def _count(self, label: WaitingLabel, by: int) -> None:
        counts = self.counts[label.split]
        counts[label.label] = counts.get(label.label, 0) + by
        self.reasons[label.reason] = self.reasons.get(label.reason, 0) + by
        if label.import_id is not None:
            self.imports[label.import_id] = self.imports.get(label.import_id, 0) + by

    def upload(
        self,
        artifacts: Artifacts,
        sources: Mapping[str, ImportSource],
        *,
        number: int,
        trigger: str,
        at: datetime,
    ) -> ArtifactRef:
        """Store the new shards, then the manifest; its reference."""
        manifest = DatasetManifest(
            dataset_version=dataset_version(self.task.name, number),
            task=self.task.name,
            number=number,
            trigger=trigger,
            created_at=at,
            labels=self.task.label_names,
            prompt_version=self.task.prompt_version,
            shards=self._shards(artifacts, number),
            tombstones=tuple(self.tombstones.values()),
            counts=self.counts,
            reasons={reason: count for reason, count in self.reasons.items() if count},
            imports=tuple(
                CountedSource(origin=origin, labels=self.imports[import_id])
                for import_id, origin in sources.items()
                if self.imports[import_id]
            ),
        )
        content = manifest.model_dump_json(indent=1).encode()
        uri = manifest_uri(self.task.name, number, hashlib.sha256(content).hexdigest())
        return artifacts.put(uri, content)

    def _shards(self, artifacts: Artifacts, number: int) -> dict[Split, tuple[Shard, ...]]:
        shards = {split: self.base.shards.get(split, ()) if self.base else () for split in SPLITS}
        for split, examples in self.written.items():
            path = self._path(split)
            uri = shard_uri(self.task.name, number, split, sha256_of(path))
            shard = Shard(ref=artifacts.put_file(uri, path), examples=examples)
            shards[split] = (*shards[split], shard)
        return shards

    def _path(self, split: Split) -> Path:
        return self.directory / f"{split}.jsonl"


def example_of(
    task: Task, label: WaitingLabel, *, revision: int, origin: ImportSource | None = None
) -> Example:
    """The label as a conversation; `Rejected` names the case whose input the task now refuses."""
    try:
        content = task.complete(task.validate(label.input))
    except Rejected as error:
        logger.error("label cannot be written", case_id=label.case_id)
        raise Rejected(f"the label of a case cannot be written: {error}") from None
    prompt = task.render(content)
    return Example(
        case_id=label.case_id,
        revision=revision,
        group_id=label.group_id,
        label=label.label,
        reason=label.reason,
        source=label.source,
        inclusion_probability=label.inclusion_probability,
        standing=task.standing_of(content),
        in_part=label.in_part,
        origin=origin,
        messages=(
            Message(role="system", content=prompt.system),
            Message(role="user", content=prompt.user),
            Message(role="assistant", content=answer_text(label.label, label.reasoning)),
        ),
    )
