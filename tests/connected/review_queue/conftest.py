"""An empty queue for each test, and a second process on the same one; or the whole service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from services.review_queue.reviewing.review import Shares
from tests.connected.review_queue.harness import Queue, running
from tests.connected.review_queue.page_harness import Browse, browsing
from tests.connected.review_queue.service_harness import USERS, Clients, Service, serving


@pytest.fixture
async def queue(database: str) -> AsyncIterator[Queue]:
    connection = await asyncpg.connect(database)
    # The audit trail refuses to be emptied.
    await connection.execute("DROP SCHEMA IF EXISTS review_queue CASCADE")
    await connection.close()
    async with running(database) as queue:
        yield queue


@pytest.fixture
async def second(database: str, queue: Queue) -> AsyncIterator[Queue]:
    async with running(database) as other:
        yield other


@pytest.fixture
def overlapping(queue: Queue) -> Queue:
    """A queue in which two reviewers see every case."""
    queue.shares = Shares(overlap=1.0, blind=0.0)
    return queue


@pytest.fixture
def browse(queue: Queue) -> Browse:
    return browsing(queue)


@pytest.fixture(scope="module")
async def service(engines: dict[str, str], database: str) -> AsyncIterator[Service]:
    async with serving(engines, database, undo_seconds=300) as service:
        yield service


@pytest.fixture(scope="module")
async def clients(service: Service) -> AsyncIterator[Clients]:
    """Everybody, signed in."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(await service.signed_in(name)) for name in USERS
        }


@pytest.fixture(scope="module")
async def inside(service: Service, database: str) -> AsyncIterator[Queue]:
    """The same queue from within, where a test needs what no request can do."""
    async with running(database) as queue:
        yield queue


@pytest.fixture
async def empty_hands(inside: Queue) -> None:
    """Nobody holds anything, nothing waits, nobody is paused."""
    tables = ("reviews", "drafts", "notes")
    names = ", ".join(f"review_queue.{table}" for table in tables)
    await inside.fetch(f"TRUNCATE {names} CASCADE")
    await inside.fetch(
        "UPDATE review_queue.users SET paused_by = NULL, paused_why = NULL, paused_at = NULL"
    )
