"""A consumer that stops reading without a word is noticed; one with nothing to do is not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from deploy.prepare import prepare
from shared.bus import Bus
from shared.events import CaseSubmitted
from shared.health import Health
from shared.settings import EngineSettings, engine_settings
from shared.topics import CASES_SUBMITTED
from tests.support.builders import submitted


@dataclass
class Watched:
    """A bus that takes cases, and whether its watchdog has had enough of it."""

    bus: Bus
    taken: set[str] = field(default_factory=set)
    handling_seconds: float = 0.0
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, cases: Sequence[CaseSubmitted]) -> None:
        await asyncio.sleep(self.handling_seconds)
        self.taken |= {case.case_id for case in cases}

    async def send(self) -> str:
        case = submitted(f"watched-{uuid4().hex}")
        await self.bus.publish([case])
        return case.case_id

    async def takes(self, case_id: str) -> None:
        async with asyncio.timeout(30):
            while case_id not in self.taken:
                await asyncio.sleep(0.05)


@pytest.fixture
async def watched(engines: dict[str, str]) -> AsyncIterator[Watched]:
    settings: EngineSettings = engine_settings(engines)
    await asyncio.to_thread(prepare, settings)
    bus = Bus(settings, service=f"watched-{uuid4().hex}", health=Health())
    found = Watched(bus)
    bus.watchdog.leave = found.left.set
    bus.watchdog.look_seconds, bus.watchdog.patience_seconds = 0.2, 2.0
    bus.consume(CASES_SUBMITTED, found.take, event=CaseSubmitted, batch=10)
    await bus.start()
    running = asyncio.create_task(bus.watchdog.run())
    yield found
    running.cancel()
    await bus.stop()


async def test_who_reads_or_has_nothing_to_read_is_left_alone(watched: Watched) -> None:
    await watched.takes(await watched.send())
    await asyncio.sleep(4)
    await watched.takes(await watched.send())

    assert not watched.left.is_set()


async def test_who_works_long_is_left_alone(watched: Watched) -> None:
    await watched.takes(await watched.send())
    watched.handling_seconds = 4.0
    await watched.takes(await watched.send())

    assert not watched.left.is_set()


async def test_who_has_stopped_reading_is_noticed(watched: Watched) -> None:
    await watched.takes(await watched.send())
    # The end of the library's own task, which it would neither tell nor mend.
    watched.bus.watchdog.subscriber.consumer._fetcher._fetch_task.cancel()
    await asyncio.sleep(2)  # until what it had asked for is answered
    unread = await watched.send()

    async with asyncio.timeout(30):
        await watched.left.wait()
    assert unread not in watched.taken
