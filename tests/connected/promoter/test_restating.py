"""Whatever somebody else writes to the state topic, processes end up with the promoter's state."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from services.promoter import restating as module
from services.promoter.restating import Restating
from services.promoter.rollout import start, stop
from shared.events import RolloutChanged
from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.readers.rollouts import Rollouts
from shared.messaging.relay import Relay
from shared.messaging.topics import ROLLOUTS_CHANGED
from shared.settings import EngineSettings
from tests.connected.promoter.harness import TASK, V0, Promoter
from tests.support.builders.evaluations import evaluation
from tests.support.builders.events import rollout, served
from tests.support.patience import PATIENCE_SECONDS


@dataclass
class Topic:
    """The state topic: what the promoter writes, what others write, and what a reader obeys."""

    settings: EngineSettings
    promoter: Promoter
    restating: Restating
    reader: Rollouts
    bus: Bus

    async def write(self, value: bytes | None, key: str = TASK) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap) as producer:
            await producer.send_and_wait(ROLLOUTS_CHANGED.name, value, key=key.encode())

    async def forge(self, **changes: Any) -> RolloutChanged:
        forged = rollout(**{"task": TASK, "champion": None, "changed_by": "mallory", **changes})
        await self.write(forged.model_dump_json().encode())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (last := self.reader.last_of(TASK)) is None or last.changed_by != "mallory":
                await asyncio.sleep(0.05)
        return forged

    async def settles(self, **state: Any) -> RolloutChanged:
        """Once all that was written is compared: readers, also new ones, have the tables' state."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                await self.restating.tick()
                ours = await self.promoter.rollout()
                read = self.reader.of(TASK)
                if read and read == self.reader.last_of(TASK) and read.revision == ours.revision:
                    assert read.champion == (ours.champion.served if ours.champion else None)
                    if all(getattr(read, name) == value for name, value in state.items()):
                        return read
                await asyncio.sleep(0.1)

    async def order(self, what: Any) -> None:
        await self.promoter.store.change(
            TASK, lambda seen: what(seen.rollout, who="ann", why="odd")
        )

    async def history(self) -> Sequence[str]:
        return [row["what"] for row in await self.promoter.store.history(TASK)]


@pytest.fixture
async def topic(
    settings: EngineSettings, promoter: Promoter, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Topic]:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 3.0)
    health = Health()
    bus = Bus(settings, service="promoter-test", health=health)
    published, reader = (
        Rollouts(settings, service=name, health=Health()) for name in ("promoter", "reader")
    )
    found = Topic(settings, promoter, Restating(promoter.store, published, health), reader, bus)
    await bus.start()
    loops = [Relay(promoter.outbox, bus, health).run, published.run, reader.run]
    running = [asyncio.create_task(loop()) for loop in loops]
    async with asyncio.timeout(PATIENCE_SECONDS):
        await published.caught_up()
        await reader.caught_up()
    await promoter.store.take_evaluation(evaluation(V0, None))
    yield found
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await bus.stop()


async def test_a_forged_higher_revision_does_not_outlive_the_promoters(topic: Topic) -> None:
    before = await topic.settles(stopped=False)
    await topic.order(stop)
    await topic.settles(stopped=True)

    forged = await topic.forge(revision=before.revision + 1000)
    after = await topic.settles(stopped=True)

    assert after.revision > forged.revision
    assert after.changed_by == "promoter"
    assert (await topic.history())[0] == "restated"
    assert "1000" in after.why or str(forged.revision) in after.why
    assert "rollouts restated" in topic.restating.health.alerts
    await topic.order(start)
    assert (await topic.settles(stopped=False)).revision > after.revision


async def test_a_version_that_nobody_has_evaluated_does_not_stay(topic: Topic) -> None:
    """Neither as champion nor as candidate, whatever threshold it claims."""
    before = await topic.settles(stopped=False)
    unknown = served("adjudication-v9.9", threshold=0.0)
    for changes in ({"champion": unknown}, {"champion": before.champion, "candidate": unknown}):
        forged = await topic.forge(revision=before.revision + 1, **changes)
        before = await topic.settles(stopped=False)
        assert before.revision > forged.revision
        assert before.served("adjudication-v9.9") is None
        assert before.served(V0) is not None


async def test_a_tombstone_and_what_is_no_state_stop_nobody(topic: Topic) -> None:
    """Compaction would leave nothing for a new reader: the state is said again."""
    before = await topic.settles(stopped=False)
    for value in (
        None,
        b"",
        b"no state",
        rollout(task="independent_review").model_dump_json().encode(),
    ):
        await topic.write(value)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while topic.reader.last_of(TASK) is not None:
                await asyncio.sleep(0.05)
        assert topic.reader.of(TASK) is not None
        before, earlier = await topic.settles(stopped=False), before
        assert before.revision > earlier.revision
    await topic.order(stop)
    await topic.settles(stopped=True)


async def test_a_lower_forged_revision_is_followed_by_the_state(topic: Topic) -> None:
    """A reader that is there ignores it; one that comes after compaction would obey it."""
    before = await topic.settles(stopped=False)
    await topic.order(stop)
    await topic.settles(stopped=True)
    await topic.forge(revision=1, stopped=False)
    after = await topic.settles(stopped=True)

    assert after.revision > before.revision + 1


async def test_after_a_restore_orders_go_on_above_what_the_topic_holds(topic: Topic) -> None:
    backup = await topic.promoter.fetch("SELECT * FROM promoter.rollouts WHERE task = $1", TASK)
    for order in (stop, start, stop, start):
        await topic.order(order)
    newest = await topic.settles(stopped=False)
    await topic.promoter.fetch(
        "UPDATE promoter.rollouts SET state = $1, revision = $2 WHERE task = $3",
        backup[0]["state"],
        backup[0]["revision"],
        TASK,
    )

    await topic.restating.tick()
    await topic.order(stop)
    after = await topic.settles(stopped=True)

    assert after.revision > newest.revision
