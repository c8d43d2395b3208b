"""An empty queue for each test, and a second process on the same one."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.connected.review_queue.queues import Queue, running


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
