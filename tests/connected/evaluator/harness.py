"""The evaluator's parts on real engines, without Kafka: tests turn the crank.

The dataset is of one-line claims that a linear model can learn; how well it has learned is chosen.
"""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from sklearn.linear_model import LogisticRegression

from services.evaluator.app import MIGRATIONS, NAME
from services.evaluator.handlers import Handlers
from services.evaluator.settings import Settings
from services.evaluator.store import Store
from services.evaluator.worker import EvaluationWorker
from shared.events import (
    ArtifactRef,
    ModelEvaluated,
    ModelTrained,
    RolloutChanged,
    ServedModel,
    TrainedModel,
)
from shared.health import Health
from shared.messaging.outbox import Outbox
from shared.models.backends.linear_model import LinearModel, vectorizer
from shared.settings import EngineSettings
from shared.storage.artifacts import DATASETS, Artifacts
from shared.storage.database import Database
from shared.storage.datasets import DatasetManifest, Example, Message, Shard
from shared.storage.model_registry import model_uri, store_model
from shared.tasks import TASKS
from tests.support.builders.evaluations import evaluation
from tests.support.builders.events import NOW, rollout, trained
from tests.support.patience import PATIENCE_SECONDS

TASK = TASKS["adjudication"]
V0, V1, V2 = (f"adjudication-v1.{minor}" for minor in range(3))
WORDS = {
    "APPROVED": "note supports the service",
    "DENIED": "service is excluded by policy",
    "PENDING": "records are missing so far",
}
SIZES = {"train": 200, "validation": 10, "calibration": 120, "test": 200}


def example(number: int, chance: random.Random) -> Example:
    """Says its label in words, nearly always, among others that mean nothing."""
    label = chance.choice(list(WORDS))
    says = label if chance.random() < 0.95 else chance.choice(list(WORDS))
    noise = " ".join(chance.choice(("visit", "knee", "claim", "today")) for _ in range(4))
    noise = f"{noise} {number}"  # no two are alike
    return Example(
        case_id=f"case-{number}",
        group_id=f"member-{number}",
        label=label,
        reason="import",
        source="import",
        standing="passed",
        inclusion_probability=1.0,
        messages=(
            Message(role="system", content="Decide the claim."),
            Message(role="user", content=f"{noise}: {WORDS[says]}"),
            Message(role="assistant", content=label),
        ),
    )


def under_its_own_id(case: Example) -> Example:
    return case.model_copy(update={"case_id": f"{case.case_id}-copy", "group_id": uuid4().hex})


def examples(count: int, *, seed: int) -> list[Example]:
    chance = random.Random(seed)
    return [example(seed * 10_000 + number, chance) for number in range(count)]


def release(
    artifacts: Artifacts,
    *,
    held_out: int = SIZES["test"],
    only: str | None = None,
    copied: int = 0,
) -> ArtifactRef:
    """A dataset version of its own, with so many test cases. `only`: every label is that one;
    `copied`: so many test cases are training cases under ids of their own."""
    name = f"{TASK.name}-d{uuid4().hex}"
    shards = {}
    for seed, (split, size) in enumerate({**SIZES, "test": held_out}.items()):
        cases = examples(size, seed=seed)
        if split == "test":
            cases[:copied] = map(under_its_own_id, examples(SIZES["train"], seed=0)[:copied])
        if only is not None:
            cases = [case.model_copy(update={"label": only}) for case in cases]
        lines = "".join(e.model_dump_json() + "\n" for e in cases).encode()
        stored = artifacts.put(f"s3://{DATASETS}/{name}/{split}.jsonl", lines)
        shards[split] = (Shard(ref=stored, examples=size),)
    manifest = DatasetManifest(
        dataset_version=name,
        task=TASK.name,
        number=1,
        trigger="test",
        created_at=NOW,
        labels=TASK.label_names,
        prompt_version=TASK.prompt_version,
        shards=shards if held_out else {k: v for k, v in shards.items() if k != "test"},
        counts={},
    )
    return artifacts.put(
        f"s3://{DATASETS}/{name}/manifest.json", manifest.model_dump_json().encode()
    )


def train(
    artifacts: Artifacts, folder: Path, version: str, *, dataset: ArtifactRef, weak: bool
) -> TrainedModel:
    """A linear model, stored as the trainer would. A weak one hardly ever says PENDING."""
    seen = examples(200, seed=99)
    labels = [e.label for e in seen]
    if weak:
        first = labels.index("PENDING")
        labels = ["DENIED" if v == "PENDING" and i > first else v for i, v in enumerate(labels)]
    features = vectorizer(2**10).transform([e.messages[1].content for e in seen])
    fitted = LogisticRegression(C=30.0).fit(features, labels)
    directory = folder / f"{version}-{uuid4().hex}"
    LinearModel(
        tuple(fitted.classes_), fitted.coef_.astype("float32"), fitted.intercept_.astype("float32")
    ).save(directory)
    uri = model_uri(TASK.name, version)
    manifest = store_model(artifacts, directory, uri, created_at=NOW, about={})
    return trained(version, manifest=manifest, dataset_manifest=dataset)


def told(model: TrainedModel) -> ModelTrained:
    return ModelTrained(
        occurred_at=NOW, task=model.task, model=model, run_id=f"run-{model.version}"
    )


@dataclass
class KnownRollouts:
    """What this process has read of the rollouts."""

    newest: dict[str, RolloutChanged] = field(default_factory=dict)

    async def caught_up(self) -> None:
        return

    def of(self, task: str) -> RolloutChanged | None:
        return self.newest.get(task)

    def serve(self, model: TrainedModel | None, *, threshold: float = 0.9) -> None:
        champion = ServedModel(model=model, threshold=threshold) if model else None
        self.newest[TASK.name] = rollout(champion=champion)


@dataclass
class Evaluator:
    """What one process of the service is made of."""

    database: Database
    artifacts: Artifacts
    store: Store
    handlers: Handlers
    worker: EvaluationWorker
    rollouts: KnownRollouts
    folder: Path

    def train(
        self, version: str, *, weak: bool = False, dataset: ArtifactRef | None = None
    ) -> TrainedModel:
        dataset = dataset or release(self.artifacts)
        return train(self.artifacts, self.folder, version, dataset=dataset, weak=weak)

    async def take(self, *models: TrainedModel) -> None:
        """As if object storage held them."""
        for model in models:
            await self.store.add_candidate(told(model))

    async def turn(self) -> bool:
        """One round of the worker's loop; false if there was nothing to do."""
        return await self.worker.turn()

    async def conclude(self, verdict: str = "PASS") -> bool:
        """Work off a run without a job: its verdict is given."""
        await self.worker.queue_comparisons()
        run = await self.store.lease(seconds=PATIENCE_SECONDS)
        if run is not None:
            champion = run.champion.version if run.champion else None
            await self.store.succeed(run, evaluation(run.model.version, champion, verdict))
        return run is not None

    async def fetch(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.transaction() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def empty(self) -> None:
        await self.fetch("TRUNCATE evaluator.runs, evaluator.candidates, evaluator.outbox")

    async def events(self) -> list[ModelEvaluated]:
        rows = await self.fetch("SELECT value FROM evaluator.outbox ORDER BY id")
        return [ModelEvaluated.model_validate_json(row["value"]) for row in rows]

    async def runs(self) -> list[tuple[str, str | None, str]]:
        rows = await self.fetch(
            "SELECT candidate, champion, status FROM evaluator.runs ORDER BY run_id"
        )
        return [(row["candidate"], row["champion"], row["status"]) for row in rows]


@asynccontextmanager
async def running(
    engines: Mapping[str, str], database_url: str, folder: Path, **settings: Any
) -> AsyncIterator[Evaluator]:
    """A process's parts with database connections of its own."""
    fields = {name.lower(): value for name, value in engines.items()}
    found = EngineSettings.model_validate({**fields, "database_url": database_url})
    database = Database(found, schema=NAME, migrations=MIGRATIONS)
    outbox = Outbox(database, service=NAME)
    store = Store(database, outbox, owner=uuid4().hex)
    artifacts, rollouts = Artifacts(found), KnownRollouts()
    # One label in twenty is noise: on 60 accepted cases 5 % cannot be shown, 20 % can.
    own = Settings(model_cache=folder / "cache", resamples=500, tolerated_error=0.2, **settings)
    worker = EvaluationWorker(store, rollouts, own, Health())  # type: ignore[arg-type]
    artifacts.create_buckets()
    await database.open()
    await outbox.create()
    try:
        handlers = Handlers(store, artifacts)
        yield Evaluator(database, artifacts, store, handlers, worker, rollouts, folder)
    finally:
        await database.close()
