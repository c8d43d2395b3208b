"""Two hundred reviewers on two processes that keep being killed: every promise of the queue."""

import asyncio
from collections.abc import Iterator

import pytest

from services.review_queue.app import MIGRATIONS
from shared.messaging.topics import create_topics
from shared.settings import engine_settings
from shared.storage.database import Database
from tests.support.crowd.breaches import Breaches, count_breaches
from tests.support.crowd.processes import fill_queue, keep_killing, two_processes
from tests.support.crowd.reviewers import CrowdRecord, work_as_crowd
from tests.support.engines.lifecycle import Engines, fresh_database, own_engines
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

REVIEWS = 10_000
SECONDS = 20.0
SUBMITS = 100  # fewer would prove little


def proves_something(record: CrowdRecord) -> bool:
    return len(record.counted) > SUBMITS and record.late_and_refused > 0 and bool(record.drafts)


@pytest.fixture
def own() -> Iterator[Engines]:
    with own_engines() as engines:
        yield engines


async def test_two_hundred_reviewers_and_processes_that_are_killed(own: Engines) -> None:
    await asyncio.to_thread(create_topics, own.environment["KAFKA_BOOTSTRAP"])
    async with fresh_database(own.environment["DATABASE_URL"]) as url:
        environment = {**own.environment, "DATABASE_URL": url}
        database = Database(
            engine_settings(environment), schema="review_queue", migrations=MIGRATIONS
        )
        await database.open()
        await fill_queue(database, REVIEWS)
        await database.close()

        async with two_processes(environment) as processes:
            killing = asyncio.create_task(keep_killing(processes, every=5.0))
            async with asyncio.timeout(2 * PATIENCE_SECONDS):
                record = await work_as_crowd(processes, seconds=SECONDS, until=proves_something)
            killing.cancel()
            (ended,) = await asyncio.gather(killing, return_exceptions=True)
        breaches = await count_breaches(url, record)

    assert isinstance(ended, asyncio.CancelledError)
    assert breaches == Breaches(0, 0, 0, 0, 0, 0, 0)
    assert proves_something(record)
