"""The queue's parts on a real database, without Kafka and without loops: tests turn the crank."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.review_queue.accounts import Accounts, SignInLimits
from services.review_queue.app import MIGRATIONS, NAME
from services.review_queue.handlers import Handlers
from services.review_queue.intake import Intake
from services.review_queue.listing import Listing
from services.review_queue.opinions import Answer
from services.review_queue.reviews import Assignment
from services.review_queue.settlement import Settlement
from services.review_queue.store import Hold, Limits, Store
from shared.database import Database
from shared.events import DecisionCorrected, DecisionMade, Event, ReviewCompleted
from shared.outbox import Outbox
from shared.settings import EngineSettings
from tests.support.requests import requested

HOUR = timedelta(hours=1)
APPROVED = Answer("APPROVED", "covered, and the note supports it")
DENIED = Answer("DENIED", "a rule excludes it", reason_code="EXCLUDED")
_EVENTS: dict[str, type[Event]] = {
    event.type: event for event in (ReviewCompleted, DecisionMade, DecisionCorrected)
}


@dataclass
class Queue:
    """What one process of the service is made of."""

    database: Database
    store: Store
    settlement: Settlement
    listing: Listing
    handlers: Handlers

    async def request(self, *case_ids: str, **changes: Any) -> None:
        """Ask for reviews of these cases."""
        await self.handlers.reviews_requested([requested(name, **changes) for name in case_ids])

    async def lease(self, reviewer: str = "amara", **wanted: Any) -> Assignment:
        found = await self.store.lease(reviewer, **wanted)
        assert found is not None
        return found

    async def decide(
        self, case_id: str, answer: Answer = DENIED, *, reviewer: str = "amara"
    ) -> Hold:
        """Request, lease and submit one case; the line must be empty before."""
        await self.request(case_id)
        held = hold(await self.lease(reviewer), reviewer)
        await self.store.submit(held, answer)
        return held

    async def forward(self, by: timedelta) -> None:
        """Let time pass: everything that the database remembers happened so much earlier."""
        for table, columns in _TIMES.items():
            moved = ", ".join(f"{column} = {column} - $1::interval" for column in columns)
            await self.fetch(f"UPDATE review_queue.{table} SET {moved}", by)

    async def settle(self) -> int:
        """Let the time for undoing pass."""
        await self.forward(self.store.limits.undo)
        return await self.settlement.settle()

    async def expire(self) -> int:
        """Let every lease run out."""
        await self.forward(self.store.limits.lease)
        return await self.settlement.expire()

    async def fetch(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.transaction() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def states(self) -> dict[str, str]:
        rows = await self.fetch("SELECT case_id, state FROM review_queue.reviews")
        return {row["case_id"]: row["state"] for row in rows}

    async def events(self) -> list[Any]:
        """What waits in the outbox, in order."""
        rows = await self.fetch("SELECT topic, value FROM review_queue.outbox ORDER BY id")
        return [_EVENTS[row["topic"]].model_validate_json(row["value"]) for row in rows]


_TIMES: dict[str, Sequence[str]] = {
    "reviews": ("settles_at", "completed_at", "requested_at", "place"),
    "assignments": ("leased_at", "lease_expires_at", "opened_at", "released_at"),
}


def hold(assignment: Assignment, reviewer: str = "amara") -> Hold:
    return Hold(assignment.assignment_id, reviewer, assignment.token)


@asynccontextmanager
async def running(database_url: str) -> AsyncIterator[Queue]:
    """A process's parts, with connections of their own."""
    settings = EngineSettings.model_validate({"database_url": database_url})
    database = Database(settings, schema=NAME, migrations=MIGRATIONS, connections=8)
    outbox = Outbox(database, service=NAME)
    limits = Limits(lease=HOUR, undo=HOUR / 60, skip=HOUR * 2, leases_per_reviewer=3)
    await database.open()
    await outbox.create()
    try:
        yield Queue(
            database,
            Store(database, limits),
            Settlement(database, outbox),
            Listing(database),
            Handlers(Intake(database)),
        )
    finally:
        await database.close()


def accounts(queue: Queue, **changes: Any) -> Accounts:
    limits = SignInLimits(session=HOUR, failures=3, lockout=HOUR / 60)
    return Accounts(queue.database, limits, **changes)
