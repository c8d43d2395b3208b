"""The queue's parts on a real database, without Kafka and without loops: tests turn the crank."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from services.review_queue.app import MIGRATIONS, NAME
from services.review_queue.handlers import Handlers
from services.review_queue.own_topics import OwnTopics
from services.review_queue.people.audit import AuditEntry, AuditTrail
from services.review_queue.people.users import Accounts, SignInLimits
from services.review_queue.reading.listing import LAST_POSITION, Listing
from services.review_queue.reading.member_history import MemberHistory
from services.review_queue.reviewing.assignments import Assignments, LeaseHandle
from services.review_queue.reviewing.corrections import Corrections
from services.review_queue.reviewing.intake import Intake
from services.review_queue.reviewing.leasing import Leasing, Limits
from services.review_queue.reviewing.notes import Notes
from services.review_queue.reviewing.opinions import Answer
from services.review_queue.reviewing.restoring import Restoring
from services.review_queue.reviewing.review import Assignment, Shares
from services.review_queue.reviewing.reviewers import Reviewers
from services.review_queue.reviewing.settlement import Settlement
from shared.auth.principal import Person
from shared.events import Criterion, DecisionCorrected, DecisionMade, Event, ReviewCompleted
from shared.health import Health
from shared.messaging.outbox import Outbox
from shared.settings import EngineSettings
from shared.storage.database import Database
from tests.support.builders.requests import requested
from tests.support.draw_key import KEY

HOUR = timedelta(hours=1)
LIMITS = Limits(lease=HOUR, undo=HOUR / 60, skip=HOUR * 2, leases_per_reviewer=3)
ADDRESS = "192.0.2.7"
PASSWORD = "a-long-password"
CRITERION = Criterion(
    source="Choice PPO", version="5", effective_date="2026-01-01", text="cosmetic services"
)
APPROVED = Answer("APPROVED", "covered, and the note supports it")
DENIED = Answer(
    "DENIED",
    "a rule excludes it",
    reason_code="EXCLUDED",
    criterion=CRITERION,
    clinical_basis="the note names no functional impairment",
)
PENDING = Answer("PENDING", "the records are missing", reason_code="RECORDS_NEEDED")
# Everybody else is an adjudicator.
_ROLES = {"sam": "senior", "sofia": "senior", "lee": "lead", "ada": "auditor", "olga": "operator"}
_EVENTS: dict[str, type[Event]] = {
    event.type: event for event in (ReviewCompleted, DecisionMade, DecisionCorrected)
}
# What the database remembers of time, but for the audit trail, which nobody changes.
_TIMES: dict[str, Sequence[str]] = {
    "reviews": ("completed_at",),
    "seats": ("settles_at", "requested_at", "queue_rank"),
    "assignments": ("leased_at", "lease_expires_at", "opened_at", "committed_at", "ended_at"),
    "opinions": ("decided_at",),
}


def actor(name: str = "amara", role: str | None = None) -> Person:
    return Person(name, role or _ROLES.get(name, "adjudicator"), ADDRESS)


def lease_handle(assignment: Assignment, reviewer: str = "amara") -> LeaseHandle:
    return LeaseHandle(assignment.assignment_id, actor(reviewer), assignment.token)


def partly(amount: str) -> Answer:
    """An approval of a part of the 118.00 dollars that cases are about."""
    return replace(
        DENIED, label="APPROVED", approved_amount=Decimal(amount), reason_code="PART_SUPPORTED"
    )


@dataclass
class Queue:
    """What one process of the service is made of."""

    database: Database
    leasing: Leasing
    assignments: Assignments
    settlement: Settlement
    corrections: Corrections
    reviewers: Reviewers
    notes: Notes
    trail: AuditTrail
    listing: Listing
    handlers: Handlers
    restoring: Restoring
    accounts: Accounts
    shares: Shares  # drawn anew for each request: a test sets what it needs

    async def request(self, *case_ids: str, **changes: Any) -> None:
        """Ask for reviews of these cases."""
        await self.handlers.reviews_requested([requested(name, **changes) for name in case_ids])

    async def lease(self, reviewer: str = "amara", **wanted: Any) -> Assignment:
        found = await self.leasing.lease(actor(reviewer), **wanted)
        assert found is not None
        return found

    async def answer(self, reviewer: str, answer: Answer) -> LeaseHandle:
        """Lease what is next for this reviewer and submit."""
        held = lease_handle(await self.lease(reviewer), reviewer)
        await self.assignments.submit(held, answer)
        return held

    async def decide(
        self, case_id: str, answer: Answer = DENIED, *, reviewer: str = "amara"
    ) -> LeaseHandle:
        """Request, lease and submit one case; the queue must be empty before."""
        await self.request(case_id)
        return await self.answer(reviewer, answer)

    async def forward(self, by: timedelta) -> None:
        """Let time pass: everything that the database remembers happened so much earlier."""
        async with self.database.transaction() as connection:
            # A review is completed once, and keeps its time: but for this one writer.
            await connection.execute("SET LOCAL session_replication_role = replica")
            for table, columns in _TIMES.items():
                moved = ", ".join(f"{column} = {column} - $1::interval" for column in columns)
                await connection.execute(f"UPDATE review_queue.{table} SET {moved}", by)

    async def settle(self) -> int:
        """Let the time for undoing pass."""
        await self.forward(self.assignments.limits.undo)
        return await self.settlement.settle()

    async def expire(self) -> int:
        """Let every lease run out."""
        await self.forward(self.assignments.limits.lease)
        return await self.settlement.expire()

    async def employ(self, *names: str) -> None:
        """Users who can sign in, and be paused."""
        for name in names:
            await self.accounts.create(name, actor(name).role, by=actor("olga"))

    async def fetch(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.transaction() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def states(self) -> dict[str, str]:
        """By case: `completed`, or the states of its seats."""
        rows = await self.fetch(
            "SELECT case_id, CASE WHEN completed_at IS NULL "
            "THEN string_agg(state, ' ' ORDER BY seat) ELSE 'completed' END AS state "
            "FROM review_queue.reviews JOIN review_queue.seats USING (review_id) "
            "GROUP BY case_id, completed_at"
        )
        return {row["case_id"]: row["state"] for row in rows}

    async def events(self) -> list[Any]:
        """What waits in the outbox, in order."""
        rows = await self.fetch("SELECT topic, value FROM review_queue.outbox ORDER BY id")
        return [_EVENTS[row["topic"]].model_validate_json(row["value"]) for row in rows]

    async def entries(self) -> list[AuditEntry]:
        """The audit trail, the oldest first."""
        return list(reversed(await self.trail.page(before=LAST_POSITION, limit=1000)))


async def said(queue: Queue, *answers: tuple[str, Answer]) -> None:
    """These reviewers, one after the other, answer the case that is next for them."""
    for reviewer, answer in answers:
        await queue.answer(reviewer, answer)
    await queue.settle()


@asynccontextmanager
async def running(database_url: str, *, limits: Limits = LIMITS) -> AsyncIterator[Queue]:
    """A process's parts, with connections of their own."""
    settings = EngineSettings.model_validate({"database_url": database_url})
    database = Database(settings, schema=NAME, migrations=MIGRATIONS, connections=8)
    await database.open()
    try:
        queue = _queue(database, Outbox(database, service=NAME), limits)
        await queue.settlement.outbox.create()
        yield queue
    finally:
        await database.close()


def _queue(database: Database, outbox: Outbox, limits: Limits) -> Queue:
    restoring = Restoring(database, outbox)
    queue = Queue(
        database=database,
        leasing=Leasing(database, limits),
        assignments=Assignments(database, limits),
        settlement=Settlement(database, outbox),
        corrections=Corrections(database, outbox, within=HOUR * 24),
        reviewers=Reviewers(database),
        notes=Notes(database),
        trail=AuditTrail(database),
        listing=Listing(database),
        handlers=Handlers(
            Intake(database, lambda _task: queue.shares, KEY, restoring=restoring),
            OwnTopics(database),
            MemberHistory(database),
            Health(),
        ),
        restoring=restoring,
        accounts=accounts(database),
        shares=Shares(overlap=0.0, blind=0.0),
    )
    return queue


def accounts(database: Database, **changes: Any) -> Accounts:
    limits = SignInLimits(session=HOUR, failures=3, failures_of_address=10, lockout=HOUR / 2)
    return Accounts(database, limits, **changes)
