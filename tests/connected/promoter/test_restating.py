"""Whatever somebody else writes to the state topic, processes end up with the promoter's state."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.cli.recovery import declare
from services.promoter import restating as module
from services.promoter.restating import Restating
from services.promoter.rollout import pause, resume, rollback, start, stop
from shared.events import RolloutChanged
from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.readers.rollouts import Rollouts
from shared.messaging.readers.spans import Span
from shared.messaging.recovery import Recovery
from shared.messaging.relay import Relay
from shared.messaging.topics import ROLLOUTS_CHANGED
from shared.settings import EngineSettings
from tests.connected.promoter.harness import TASK, V0, V1, V2, Promoter
from tests.support.builders.evaluations import evaluation
from tests.support.builders.events import rollout, served
from tests.support.patience import PATIENCE_SECONDS, until


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

    async def back_up(self) -> dict[str, Any]:
        (row,) = await self.promoter.fetch("SELECT * FROM promoter.rollouts WHERE task = $1", TASK)
        return row

    async def go_back_to(self, backup: dict[str, Any]) -> None:
        """As a promoter finds it when it starts: it has read the topic to its end."""
        await until(lambda: self.restating.published.of(TASK) == self.reader.of(TASK))
        await self.promoter.fetch(
            "UPDATE promoter.rollouts SET state = $1, revision = $2 WHERE task = $3",
            *(backup["state"], backup["revision"], TASK),
        )

    async def recover(self) -> None:
        """What a promoter does first, once `caseloop recover` has run."""
        span = Span(ROLLOUTS_CHANGED.name, 0, 0, 1)
        await declare(self.promoter.database.url, {"promoter": [span]})
        await Recovery(self.promoter.database, [self.restating.restore]).run()
        assert await self.promoter.fetch("SELECT * FROM promoter.recoveries") == []

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
    await found.settles()
    for order in (start, resume):  # what the topic holds of the test before
        await found.order(order)
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
    backup = await topic.back_up()
    for order in (stop, start, stop, start):
        await topic.order(order)
    newest = await topic.settles(stopped=False)
    await topic.go_back_to(backup)

    await topic.restating.tick()
    await topic.order(stop)
    after = await topic.settles(stopped=True)

    assert after.revision > newest.revision


@pytest.mark.parametrize("recovered", [True, False], ids=["recovered", "not recovered"])
async def test_what_was_stopped_since_the_backup_is_not_started_by_a_restore(
    topic: Topic, recovered: bool
) -> None:
    backup = await topic.back_up()
    for order in (pause, stop):
        await topic.order(order)
    newest = await topic.settles(stopped=True, paused=True)
    await topic.go_back_to(backup)

    if recovered:
        await topic.recover()
    after = await topic.settles(stopped=True, paused=True)

    assert after.revision > newest.revision
    assert (await topic.history())[:3] == ["restated", "paused", "stopped"]
    await topic.order(start)
    assert (await topic.settles(stopped=False, paused=True)).champion == newest.champion


async def test_what_was_rolled_back_since_the_backup_decides_no_case(topic: Topic) -> None:
    """The backup has it in service; what else was in service since, only the topic says."""
    backup = await topic.back_up()
    await topic.settles(stopped=False)
    await topic.order(rollback)
    assert (await topic.settles(stopped=False)).champion is None
    await topic.go_back_to(backup)

    await topic.recover()
    after = await topic.settles(stopped=True)

    assert after.champion is not None
    assert f"backup of revision {backup['revision']}" in after.why
    assert "with champion none" in after.why
    assert "rollouts restated" in topic.restating.health.alerts
    await topic.order(rollback)
    await topic.order(start)
    assert (await topic.settles(stopped=False)).champion is None


async def test_what_the_backup_does_not_know_goes_into_service_by_hand_only(topic: Topic) -> None:
    """A candidate came and was rolled back since: its evaluation is read again."""
    await topic.promoter.predict(*(f"first-{number}" for number in range(10)))
    await topic.promoter.handlers.tick()
    backup = await topic.back_up()
    passed = evaluation(V1, V0)
    await topic.promoter.store.take_evaluation(passed)
    lost = await topic.settles(stopped=False, candidate=served(V1))
    await topic.order(rollback)
    newest = await topic.settles(candidate=None)
    await topic.go_back_to(backup)
    for table in ("versions", "evaluations"):
        await topic.promoter.fetch(f"DELETE FROM promoter.{table} WHERE version = $1", V1)

    await topic.recover()
    await topic.promoter.store.take_evaluation(passed)
    await topic.promoter.handlers.tick()

    after = await topic.settles(stopped=False, candidate=None)  # the champion is the same
    assert after.revision == newest.revision + 1
    assert (await topic.promoter.states())[V1] == "held"
    later = after.occurred_at + timedelta(seconds=1)
    await topic.promoter.store.take_evaluation(evaluation(V2, V0, occurred_at=later))
    begun = await topic.settles(candidate=served(V2))
    assert begun.rollout_id not in (lost.rollout_id, newest.rollout_id)  # of a number of its own
