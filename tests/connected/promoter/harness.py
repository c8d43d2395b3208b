"""The promoter's parts on a real database, without Kafka or loops: tests turn the crank."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.promoter.app import MIGRATIONS, NAME
from services.promoter.guard import Guard
from services.promoter.handlers import Handlers
from services.promoter.state import Rollout, RolloutLimits, StageLimit
from services.promoter.store import Store
from services.promoter.trained import TrainedModels
from shared.events import ModelEvaluated, PredictionMade, RolloutChanged
from shared.messaging.outbox import Outbox
from shared.settings import EngineSettings
from shared.storage.database import Database
from tests.support.builders.evaluations import evaluation
from tests.support.builders.events import answers, case, predicted, score, trained

TASK = "adjudication"
V0, V1, V2 = (f"adjudication-v1.{minor}" for minor in range(3))
LIMITS = RolloutLimits(
    shadow=StageLimit(20, 0),
    canary=StageLimit(10, 0),
    full=StageLimit(10, 0),
    share=0.25,
    guard=Guard(cases=10, failed_share=0.05, label_mass=0.5, accept_deviation=0.5),
)


@dataclass
class Promoter:
    """What one process of the service is made of."""

    database: Database
    outbox: Outbox
    store: Store
    handlers: Handlers

    async def fetch(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.transaction() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def empty(self) -> None:
        tables = await self.fetch(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = 'promoter' AND table_name <> 'migrations'"
        )
        await self.fetch("TRUNCATE " + ", ".join(f"promoter.{t['table_name']}" for t in tables))

    async def events(self) -> list[RolloutChanged]:
        rows = await self.fetch("SELECT value FROM promoter.outbox ORDER BY id")
        return [RolloutChanged.model_validate_json(row["value"]) for row in rows]

    async def rollout(self) -> Rollout:
        return (await self.store.snapshot(TASK)).rollout

    async def states(self) -> dict[str, str]:
        rows = await self.fetch("SELECT version, state FROM promoter.versions")
        return {row["version"]: row["state"] for row in rows}

    async def settle_first(self) -> None:
        """The first version passes, and is watched for as long as that takes."""
        await self.handlers.models_evaluated([evaluation(V0, None)])
        await self.predict(*(f"first-{number}" for number in range(LIMITS.full.cases)))
        await self.handlers.tick()

    async def predict(self, *case_ids: str, by: str | None = None, failed: bool = False) -> None:
        """Take in predictions of these cases, made under the present rollout."""
        rollout = await self.rollout()
        made = [prediction(rollout, name, by=by, failed=failed) for name in case_ids]
        await self.handlers.predictions_made(made)


def prediction(
    rollout: Rollout, case_id: str, *, by: str | None = None, failed: bool = False
) -> PredictionMade:
    """A case scored by champion and candidate; `by` answers, if not the champion. `failed`: what
    the watched version could not score."""
    arms = {"champion": rollout.champion, "candidate": rollout.candidate}
    assert rollout.champion is not None
    fails = rollout.watched if failed else None
    scores = tuple(
        score(answers("APPROVED", 0.95), version=version.name, arm=arm)
        for arm, version in arms.items()
        if version is not None and version != fails
    )
    return predicted(
        case_id,
        case=case(case_id),
        scores=scores,
        answering_version=(by or rollout.champion.name) if scores else None,
        rollout_id=rollout.rollout_id,
        rollout_revision=rollout.revision,
        failed_versions=(fails.name,) if fails else (),
    )


async def all_trained(versions: Collection[str]) -> TrainedModels:
    """Whatever is evaluated has been trained before."""
    return {version: frozenset({trained(version)}) for version in versions}


async def all_reported(_: ModelEvaluated) -> None:
    """And has a report that says the same."""


@asynccontextmanager
async def running(engines: Mapping[str, str], database_url: str) -> AsyncIterator[Promoter]:
    """A process's parts with database connections of its own."""
    fields = {name.lower(): value for name, value in engines.items()}
    settings = EngineSettings.model_validate({**fields, "database_url": database_url})
    database = Database(settings, schema=NAME, migrations=MIGRATIONS)
    outbox = Outbox(database, service=NAME)
    store = Store(database, outbox)
    await database.open()
    await outbox.create()
    try:
        handlers = Handlers(store, all_trained, verify=all_reported, limits=LIMITS)
        yield Promoter(database, outbox, store, handlers)
    finally:
        await database.close()
