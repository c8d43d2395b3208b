"""What a Kafka transaction took back is no event, and one that is open is none yet. Of the engines,
Apache Kafka alone has transactions."""

import asyncio
from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from deploy.prepare import prepare
from shared.events import CaseSubmitted, RolloutChanged
from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.readers.rollouts import Rollouts
from shared.messaging.topics import CASES_SUBMITTED, ROLLOUTS_CHANGED
from shared.settings import EngineSettings, engine_settings
from tests.support.builders.events import rollout, submitted
from tests.support.engines.lifecycle import own_engines
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.engines

TASK = "independent_review"


@pytest.fixture(scope="module")
def own() -> Iterator[EngineSettings]:
    """Engines of its own: it reads every case there is."""
    with own_engines() as engines:
        settings = engine_settings(engines.environment)
        prepare(settings)
        yield settings


async def send(producer: AIOKafkaProducer, *events: CaseSubmitted | RolloutChanged) -> None:
    for event in events:
        topic = CASES_SUBMITTED if isinstance(event, CaseSubmitted) else ROLLOUTS_CHANGED
        value = event.model_dump_json().encode()
        await producer.send_and_wait(topic.name, value, key=event.key.encode(), partition=0)


async def test_only_what_is_committed_is_read(own: EngineSettings) -> None:
    taken: list[str] = []
    stalled: list[str] = []
    done = asyncio.Event()
    aborted, committed, after = (
        [submitted(f"{what}-{uuid4().hex}") for _ in range(3)]
        for what in ("aborted", "committed", "after")
    )
    last = after[-1].case_id

    async def take(cases: Sequence[CaseSubmitted]) -> None:
        taken.extend(case.case_id for case in cases)
        if last in taken:
            done.set()

    bus = Bus(own, service="inference", health=Health())
    bus.watchdog.look_seconds = 0.2
    bus.watchdog.leave = lambda: stalled.append("left")
    bus.consume(CASES_SUBMITTED, take, event=CaseSubmitted, batch=10)
    rollouts = Rollouts(own, service="test", health=Health())
    loops = [asyncio.create_task(loop) for loop in (rollouts.run(), bus.watchdog.run())]
    await bus.start()
    transactional = AIOKafkaProducer(
        bootstrap_servers=own.kafka_bootstrap, transactional_id=uuid4().hex
    )
    await transactional.start()
    async with AIOKafkaProducer(bootstrap_servers=own.kafka_bootstrap) as plain:
        await transactional.begin_transaction()
        await send(transactional, *aborted, rollout(task=TASK, champion=None, revision=9))
        await asyncio.sleep(3)  # an open transaction holds up the readers, and stalls none of them
        held_up = taken + stalled
        await transactional.abort_transaction()
        await transactional.begin_transaction()
        await send(transactional, *committed, rollout(task=TASK, champion=None, revision=2))
        await transactional.commit_transaction()
        await send(plain, *after)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await done.wait()
            while rollouts.of(TASK) is None:
                await asyncio.sleep(0.05)
    await transactional.stop()
    await _end(loops, bus)

    assert held_up == []
    assert set(taken) == {case.case_id for case in (*committed, *after)}  # at least once
    assert rollouts.revisions() == {TASK: 2}


async def _end(loops: Sequence["asyncio.Task[None]"], bus: Bus) -> None:
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    await bus.stop()
