"""A million reviews: a crowd at full speed while processes are killed, a crowd at a human
pace, and lists that are filtered and paged.
"""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from services.review_queue.app import MIGRATIONS
from services.review_queue.reading.listing import Filters, Listing
from shared.settings import engine_settings
from shared.storage.database import Database
from tests.bench.measure import Measure
from tests.support.crowd.breaches import count_breaches
from tests.support.crowd.processes import REVIEWERS, fill_queue, keep_killing, two_processes
from tests.support.crowd.reviewers import work_as_crowd
from tests.support.engines.lifecycle import fresh_database

REVIEWS = 1_000_000
FULL_SPEED_SECONDS = 60.0
HUMAN_SECONDS = 60.0
ACTIONS_A_SECOND = 10.0
_PAGES = 300


async def million(environment: Mapping[str, str]) -> list[Measure]:
    async with fresh_database(environment["DATABASE_URL"]) as url:
        own = {**environment, "DATABASE_URL": url}
        database = Database(engine_settings(own), schema="review_queue", migrations=MIGRATIONS)
        await database.open()
        try:
            await fill_queue(database, REVIEWS)
            return [*await _queue(own), await _lists(database)]
        finally:
            await database.close()


async def _queue(environment: Mapping[str, str]) -> list[Measure]:
    """Pairs a second at full speed; p99 of one action at a human pace. Any breach is an error."""
    async with two_processes(environment) as processes:
        calm = await work_as_crowd(
            processes, seconds=HUMAN_SECONDS, pause=2 * REVIEWERS / ACTIONS_A_SECOND
        )
        killing = asyncio.create_task(keep_killing(processes, every=10.0))
        busy = await work_as_crowd(processes, seconds=FULL_SPEED_SECONDS)
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
    found = asdict(await count_breaches(environment["DATABASE_URL"], calm, busy))
    if any(found.values()):
        raise RuntimeError(f"the queue broke its promises: {found}")
    milliseconds = 1000 * _percentile(calm.seconds, 0.99)
    return [
        Measure("queue_million", len(busy.counted) / FULL_SPEED_SECONDS, None, "pairs/s"),
        Measure("queue_million_p99", milliseconds, None, "ms"),
    ]


async def _lists(database: Database) -> Measure:
    """p95 of filtering and paging, in milliseconds."""
    listing, chance, seconds = Listing(database), random.Random(1), []
    for _ in range(_PAGES):
        filters = _some_filters(chance)
        started = time.perf_counter()
        page = await listing.page(filters, after=0, limit=50)
        seconds.append(time.perf_counter() - started)
        for _ in range(chance.randrange(3)):
            if len(page) < 50:
                break
            started = time.perf_counter()
            page = await listing.page(filters, after=page[-1].position, limit=50)
            seconds.append(time.perf_counter() - started)
    return Measure("list_million", 1000 * _percentile(seconds, 0.95), None, "ms")


def _some_filters(chance: random.Random) -> Filters:
    """As leads set them: one to three of all there are."""
    hours = chance.randrange(24 * 11)
    every: dict[str, Any] = {
        "task": chance.choice(["adjudication", "independent_review"]),
        "reason": chance.choice(["low_confidence", "adverse", "audit", "no_champion"]),
        "priority": chance.choice([1, 2]),
        "kind": chance.choice(["first", "second", "further", "final"]),
        "state": chance.choice(["queued", "leased", "submitted", "answered"]),
        "amount_from": Decimal(chance.randrange(5500)),
        "amount_to": Decimal(chance.randrange(200)),
        "requested_before": datetime.now(UTC) - timedelta(hours=hours),
    }
    wanted = chance.sample(sorted(every), chance.choice([1, 2]))
    return Filters(**{name: every[name] for name in wanted})


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
