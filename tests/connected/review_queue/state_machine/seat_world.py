"""What the model is compared with: two processes on one database, and one that crashes.

Whoever works here works by the operations that the model knows.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.review_queue.reviewing.assignments import LeaseHandle
from services.review_queue.reviewing.leasing import Limits
from shared.errors import Conflict
from shared.storage.database import Connection, Database
from tests.connected.review_queue.harness import APPROVED, DENIED, PENDING, Queue, actor, running
from tests.connected.review_queue.state_machine.seat_model import (
    LEASE_MINUTES,
    LEASES,
    SKIP_MINUTES,
    SWEEPS,
    UNDO_MINUTES,
    Operation,
    Outcome,
)

REVIEWERS = ("amara", "bo", "cleo", "sam", "sofia")
NEW = tuple(f"newcomer-{number}" for number in range(8))
NEW_SENIORS = tuple(f"senior-{number}" for number in range(8))
SENIORS = frozenset({"sam", "sofia", *NEW_SENIORS})
ANSWERS = {answer.label: answer for answer in (APPROVED, DENIED, PENDING)}
# The model's minute, so long that the time a test itself takes is nothing beside it.
MINUTE = timedelta(hours=1)
LIMITS = Limits(
    lease=MINUTE * LEASE_MINUTES,
    undo=MINUTE * UNDO_MINUTES,
    skip=MINUTE * SKIP_MINUTES,
    leases_per_reviewer=LEASES,
)


class CrashingDatabase(Database):
    """Its connection is lost when all of a transaction is done but the commit.

    So many transactions are `spared` before.
    """

    spared = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with super().transaction() as connection:
            yield connection
            self.spared -= 1
            if self.spared < 0:
                await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@dataclass
class World:
    """Two processes on one database, a third that crashes, and a loop to run them in."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    one: Queue
    other: Queue
    crashing: Queue


@asynccontextmanager
async def processes(url: str) -> AsyncIterator[tuple[Queue, Queue, Queue]]:
    async with AsyncExitStack() as stack:
        one, other, crashing = [
            await stack.enter_async_context(running(url, limits=LIMITS)) for _ in range(3)
        ]
        crashing.database.__class__ = CrashingDatabase
        yield one, other, crashing


async def start_over(queue: Queue) -> None:
    await queue.fetch(
        "TRUNCATE review_queue.reviews, review_queue.users, review_queue.outbox CASCADE"
    )
    await queue.fetch(
        "INSERT INTO review_queue.users (name, role, password_hash, created_by) "
        "SELECT name, role, 'none', 'test' FROM unnest($1::text[], $2::text[]) AS t (name, role)",
        REVIEWERS,
        [actor(name).role for name in REVIEWERS],
    )


async def perform(queue: Queue, op: Operation, key: tuple[Any, int] | None) -> Outcome:
    """Do it. `key` are the id of the assignment and its token, where there is one."""
    try:
        if op.name == "lease":
            return await _lease(queue, op.reviewer)
        if op.name in SWEEPS:
            await getattr(queue.settlement, op.name)()
        elif op.name == "pause":
            await queue.reviewers.pause(op.reviewer, "training day", by=actor("lee"))
        elif op.name == "resume":
            await queue.reviewers.resume(op.reviewer, by=actor("lee"))
        else:
            assert key is not None
            await _work(queue, op, LeaseHandle(key[0], actor(op.reviewer), key[1]))
    except Conflict:
        return "refused"
    return "done"


async def _lease(queue: Queue, reviewer: str) -> Outcome:
    role = "senior" if reviewer in SENIORS else "adjudicator"
    found = await queue.leasing.lease(actor(reviewer, role))
    if found is None:
        return "nothing"
    (row,) = await queue.fetch(
        "SELECT seat FROM review_queue.assignments WHERE assignment_id = $1", found.assignment_id
    )
    return found.request.case.case_id, row["seat"]


async def _work(queue: Queue, op: Operation, handle: LeaseHandle) -> None:
    acts: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "heartbeat": lambda: queue.assignments.heartbeat(handle, opened=True),
        "commit": lambda: queue.assignments.commit(handle, op.label),
        "submit": lambda: queue.assignments.submit(handle, ANSWERS[op.label]),
        "release": lambda: queue.assignments.release(handle, "outside my field"),
        "escalate": lambda: queue.assignments.escalate(handle, "beyond me"),
        "undo": lambda: queue.assignments.undo(handle),
    }
    await acts[op.name]()
