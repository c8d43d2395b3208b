"""The bus joins its group beside everything else, and notices when it has stopped reading."""

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


@pytest.fixture(scope="module")
def settings(engines: dict[str, str]) -> EngineSettings:
    found = engine_settings(engines)
    prepare(found)
    return found


@pytest.fixture
def watched(settings: EngineSettings) -> Watched:
    bus = Bus(settings, service=f"watched-{uuid4().hex}", health=Health())
    found = Watched(bus)
    bus.watchdog.leave = found.left.set
    bus.watchdog.look_seconds, bus.watchdog.patience_seconds = 0.2, 2.0
    bus.consume(CASES_SUBMITTED, found.take, event=CaseSubmitted, batch=10)
    return found


@pytest.fixture
async def running(watched: Watched) -> AsyncIterator[Watched]:
    await watched.bus.start()
    watching = asyncio.create_task(watched.bus.watchdog.run())
    yield watched
    watching.cancel()
    await watched.bus.stop()


async def test_it_is_ready_only_once_it_has_joined_its_group(watched: Watched) -> None:
    health = watched.bus.health
    await watched.bus.start()
    joining = dict(health.reasons)
    await watched.takes(await watched.send())
    await watched.bus.stop()

    assert joining == {"consumer": "joining its Kafka group"}
    assert health.is_ready


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.5])
async def test_it_can_be_stopped_while_it_is_joining(watched: Watched, seconds: float) -> None:
    async with asyncio.timeout(30):
        await watched.bus.start()
        await asyncio.sleep(seconds)
        await watched.bus.stop()


async def test_who_reads_or_has_nothing_to_read_is_left_alone(running: Watched) -> None:
    await running.takes(await running.send())
    await asyncio.sleep(4)
    await running.takes(await running.send())

    assert not running.left.is_set()


async def test_who_works_long_is_left_alone(running: Watched) -> None:
    await running.takes(await running.send())
    running.handling_seconds = 4.0
    await running.takes(await running.send())

    assert not running.left.is_set()


async def test_who_has_stopped_reading_is_noticed(running: Watched) -> None:
    await running.takes(await running.send())
    # The end of the library's own task, which it would neither tell nor mend.
    running.bus.watchdog.subscriber.consumer._fetcher._fetch_task.cancel()
    await asyncio.sleep(2)  # until what it had asked for is answered
    unread = await running.send()

    async with asyncio.timeout(30):
        await running.left.wait()
    assert unread not in running.taken
