"""Reads what this queue said before its tables were restored, before anything else is done."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.review_queue.reviewing.restoring import Restoring
from shared.events import DecisionCorrected, ReviewCompleted
from shared.messaging.own_events import unread_events
from shared.messaging.topic_check import check_topics
from shared.messaging.topics import DECISIONS_CORRECTED, REVIEWS_COMPLETED
from shared.settings import EngineSettings


@dataclass
class Recovery:
    """`done` is set once what was decided earlier is known. Any number of processes may read."""

    engines: EngineSettings
    restoring: Restoring
    service: str
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Decisions first, and what corrects them then. `UnsuitableTopics` if they cannot be."""
        await asyncio.to_thread(check_topics, self.engines.kafka_bootstrap, service=self.service)
        async for reviews in unread_events(
            self.engines, REVIEWS_COMPLETED, ReviewCompleted, service=self.service
        ):
            await self.restoring.take(reviews)
        async for corrections in unread_events(
            self.engines, DECISIONS_CORRECTED, DecisionCorrected, service=self.service
        ):
            await self.restoring.take(corrections)
        self.done.set()

    def before(self, loop: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """The loop, which begins no earlier: it would decide otherwise what is decided."""

        async def wait_and_run() -> None:
            await self.done.wait()
            await loop()

        wait_and_run.__qualname__ = getattr(loop, "__qualname__", wait_and_run.__qualname__)
        return wait_and_run
