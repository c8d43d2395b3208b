"""A consumer whose background task has ended without a word is noticed, on a real broker."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from deploy.prepare import prepare
from shared.bus import Bus
from shared.events import CaseSubmitted
from shared.health import Health
from shared.settings import engine_settings
from shared.topics import CASES_SUBMITTED
from tests.support.builders import submitted
from tests.support.engines import own_engines


@dataclass
class Taker:
    """A bus that takes cases, and whether its watchdog has had enough of it."""

    bus: Bus
    taken: set[str] = field(default_factory=set)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, cases: Sequence[CaseSubmitted]) -> None:
        self.taken |= {case.case_id for case in cases}

    async def send(self) -> str:
        case = submitted(f"taken-{uuid4().hex}")
        await self.bus.publish([case])
        return case.case_id

    async def takes(self, case_id: str) -> None:
        async with asyncio.timeout(120):
            while case_id not in self.taken:
                await asyncio.sleep(0.05)


@pytest.fixture
def taker() -> Iterator[Taker]:
    """On engines of its own: it reads every case there is."""
    with own_engines() as engines:
        settings = engine_settings(engines.environment)
        prepare(settings)
        bus = Bus(settings, service="inference", health=Health())
        found = Taker(bus)
        bus.watchdog.leave = found.left.set
        bus.watchdog.look_seconds = 0.2
        bus.consume(CASES_SUBMITTED, found.take, event=CaseSubmitted, batch=10)
        yield found


async def test_a_consumer_that_has_stopped_reading_is_noticed(taker: Taker) -> None:
    await taker.bus.start()
    await taker.takes(await taker.send())
    fetcher = taker.bus.watchdog.subscriber.consumer._fetcher
    fetcher._fetch_task.cancel()  # the end of the library's own task: it neither tells nor mends it
    await asyncio.wait({fetcher._fetch_task, *fetcher._pending_tasks})
    await asyncio.sleep(1)  # what was fetched is taken
    unread = await taker.send()
    watching = asyncio.create_task(taker.bus.watchdog.run())

    async with asyncio.timeout(120):
        await asyncio.wait(
            {watching, asyncio.create_task(taker.left.wait())}, return_when="FIRST_COMPLETED"
        )
    watching.cancel()
    await taker.bus.stop()

    assert taker.left.is_set()
    assert unread not in taker.taken
