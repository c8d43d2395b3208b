"""An empty queue for each test, and a second process on the same one."""

from collections.abc import AsyncIterator

import pytest

from tests.connected.review_queue.queues import Queue, running

_TABLES = "reviews, users, sign_in_failures, outbox"


@pytest.fixture
async def queue(database: str) -> AsyncIterator[Queue]:
    async with running(database) as queue:
        tables = ", ".join(f"review_queue.{name}" for name in _TABLES.split(", "))
        await queue.fetch(f"TRUNCATE {tables} CASCADE")
        yield queue


@pytest.fixture
async def second(database: str, queue: Queue) -> AsyncIterator[Queue]:
    async with running(database) as other:
        yield other
