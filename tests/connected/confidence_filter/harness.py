"""The filter's store on a real database, without Kafka, and what it wrote there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.confidence_filter.app import MIGRATIONS, NAME
from services.confidence_filter.handlers import Handlers
from services.confidence_filter.restoring import Restoring
from services.confidence_filter.routing import RoutingSettings
from services.confidence_filter.store import Store
from shared.events import Case, DecisionMade, PredictionMade, ReviewRequested, RolloutChanged
from shared.events.base import LEAST_INCLUSION
from shared.messaging.outbox import Outbox
from shared.settings import EngineSettings
from shared.storage.database import Database
from tests.support.builders.events import CAME_IN, KEY, case, claim_input, predicted, rollout

CLAIM = claim_input()
_EVENTS: dict[str, type[DecisionMade] | type[ReviewRequested]] = {
    event.type: event for event in (DecisionMade, ReviewRequested)
}


def of_claim(case_id: str, claim_id: str = "DUP-CLAIM-1", **changes: Any) -> PredictionMade:
    """A confident approval of a case of that claim; `changes` are those of its input."""
    found = case(case_id, claim_id=claim_id, input={**CLAIM, "claim_id": claim_id, **changes})
    return predicted(case=found)


def further(prediction: PredictionMade, **changes: Any) -> PredictionMade:
    """The same with another envelope."""
    changed = {**prediction.case.model_dump(), **changes}
    return prediction.model_copy(update={"case": Case.model_validate(changed)})


@dataclass
class Filter:
    """What one process of the filter is made of."""

    database: Database
    handlers: Handlers
    restoring: Restoring

    async def take(self, *predictions: PredictionMade) -> None:
        await self.handlers.predictions_made(predictions)

    async def fetch(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.transaction() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def routes(self) -> dict[str, str]:
        """Why each case was routed as it was."""
        rows = await self.fetch("SELECT case_id, reason FROM confidence_filter.routings")
        return {row["case_id"]: row["reason"] for row in rows}

    async def sent(self) -> list[str]:
        """The topics of the events that wait to leave, in their order."""
        rows = await self.fetch("SELECT topic FROM confidence_filter.outbox ORDER BY id")
        return [row["topic"] for row in rows]

    async def events(self) -> list[DecisionMade | ReviewRequested]:
        """The events that wait to leave, in their order."""
        rows = await self.fetch("SELECT topic, value FROM confidence_filter.outbox ORDER BY id")
        return [_EVENTS[row["topic"]].model_validate_json(row["value"]) for row in rows]

    async def empty(self) -> None:
        await self.fetch("TRUNCATE confidence_filter.routings, confidence_filter.outbox")


@asynccontextmanager
async def running(database_url: str, state: RolloutChanged | None = None) -> AsyncIterator[Filter]:
    settings = EngineSettings.model_validate({"database_url": database_url})
    database = Database(settings, schema=NAME, migrations=MIGRATIONS)
    outbox = Outbox(database, service=NAME)
    store = Store(database, outbox)
    current = state or rollout()
    routing = RoutingSettings(audit_rate=LEAST_INCLUSION, key=KEY)
    handlers = Handlers(store, lambda _: current, settings=routing, now=lambda: CAME_IN)
    await database.open()
    try:
        await outbox.create()
        await store.define_labels()
        yield Filter(database, handlers, Restoring(database))
    finally:
        await database.close()
