"""A state reader whose background task has ended without a word is replaced, on a real broker."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from shared.events import RolloutChanged
from shared.health import Health
from shared.messaging.encoding import encode
from shared.messaging.producer import Producer
from shared.messaging.readers import following as module
from shared.messaging.readers.rollouts import Rollouts
from shared.settings import EngineSettings
from tests.support.builders.events import rollout
from tests.support.patience import PATIENCE_SECONDS, until

TASK = "independent_review"
_REVISIONS = itertools.count(int(time.time()))


class Remembered(AIOKafkaConsumer):  # type: ignore[misc]
    """The newest consumer there is, and how often anyone was asked for the end of the topic."""

    newest: Any = None
    looks = 0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        Remembered.newest = self

    async def end_offsets(self, partitions: Any) -> Any:
        Remembered.looks += 1
        return await super().end_offsets(partitions)


@dataclass
class Remembering(Health):
    """Knows every reason there was to wait."""

    reasons_so_far: set[str] = field(default_factory=set)

    def waiting(self, part: str, reason: str) -> None:
        super().waiting(part, reason)
        self.reasons_so_far.add(reason)


@dataclass
class Following:
    """A reader at work."""

    rollouts: Rollouts
    health: Remembering

    async def sees(self, changed: RolloutChanged) -> None:
        await until(lambda: self.rollouts.of(TASK) == changed and self.health.is_ready)


@pytest.fixture
async def following(
    settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Following]:
    monkeypatch.setattr(module, "AIOKafkaConsumer", Remembered)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 1.0)
    health = Remembering()
    rollouts = Rollouts(settings, service="test", health=health)
    task = asyncio.create_task(rollouts.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await rollouts.caught_up()
    yield Following(rollouts, health)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def publish(settings: EngineSettings, **changes: Any) -> RolloutChanged:
    changed = rollout(task=TASK, champion=None, revision=next(_REVISIONS), **changes)
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.send([encode(changed, source="test")])
    await producer.stop()
    return changed


async def test_a_stop_is_seen_although_the_reader_has_died(
    following: Following, settings: EngineSettings
) -> None:
    await following.sees(await publish(settings))
    dead = Remembered.newest
    fetcher = dead._fetcher
    fetcher._fetch_task.cancel()  # the end of the library's own task: it neither tells nor mends it
    await asyncio.wait({fetcher._fetch_task, *fetcher._pending_tasks})
    await asyncio.sleep(1)  # what was fetched is taken

    await following.sees(await publish(settings, stopped=True))

    assert Remembered.newest is not dead
    assert "1 records wait and none is read" in following.health.reasons_so_far


async def test_a_reader_that_has_nothing_to_read_is_kept(following: Following) -> None:
    first, looks = Remembered.newest, Remembered.looks
    await until(lambda: Remembered.looks >= looks + 3)

    assert Remembered.newest is first
    assert following.health.is_ready
