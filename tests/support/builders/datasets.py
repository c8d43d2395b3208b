"""Dataset versions in object storage, released as the accumulator does it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from deploy.simulation import simulated_claims
from shared.events import DatasetReleased, Split
from shared.storage.artifacts import DATASETS, Artifacts
from shared.storage.datasets import DatasetManifest, Shard, manifest_uri
from tests.support.builders.events import ADJUDICATION, NOW
from tests.support.models.linear import example_line

SIZES: Mapping[Split, int] = {"train": 60, "validation": 20, "calibration": 30, "test": 20}


def release(
    artifacts: Artifacts,
    number: int,
    *,
    sizes: Mapping[Split, int] = SIZES,
    seed: int = 1,
    in_part: bool = False,
) -> DatasetReleased:
    """Store a dataset version of simulated claims; the event that tells of it."""
    version = f"adjudication-d{number}"
    claims = iter(simulated_claims(seed=seed, count=sum(sizes.values())))
    shards: dict[Split, tuple[Shard, ...]] = {}
    for split, size in sizes.items():
        lines = [example_line(next(claims), in_part=in_part) for _ in range(size)]
        shards[split] = (_shard(artifacts, f"{version}/{split}.jsonl", lines),)
    counts = {split: {"APPROVED": size} for split, size in sizes.items()}
    manifest = DatasetManifest(
        dataset_version=version,
        task="adjudication",
        number=number,
        trigger=f"test:{number}",
        created_at=datetime.now(UTC),
        labels=ADJUDICATION.label_names,
        prompt_version=ADJUDICATION.prompt_version,
        shards=shards,
        counts=counts,
    )
    content = manifest.model_dump_json().encode()
    uri = manifest_uri("adjudication", number, sha256(content).hexdigest())
    reference = artifacts.put(uri, content)
    return DatasetReleased(
        occurred_at=NOW,
        task="adjudication",
        dataset_version=version,
        number=number,
        trigger=f"test:{number}",
        manifest=reference,
        counts=counts,
        new_labels=sum(sizes.values()),
    )


def _shard(artifacts: Artifacts, name: str, lines: Sequence[str]) -> Shard:
    content = "".join(f"{line}\n" for line in lines).encode()
    reference = artifacts.put(f"s3://{DATASETS}/adjudication/{name}", content)
    return Shard(ref=reference, examples=len(lines))
