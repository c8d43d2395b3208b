"""Takes over what this queue said before its tables were restored, before anything else is done.

Only what `caseloop recover` has written down: whatever else stands on its topics, and its tables
do not know, is somebody else's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.review_queue.reviewing.restoring import Restoring
from shared.events import DecisionCorrected, ReviewCompleted
from shared.messaging.readers.own_events import Span, events_of
from shared.settings import EngineSettings
from shared.storage.database import Database

# Decisions first, and what corrects them then.
_OWN = (ReviewCompleted, DecisionCorrected)
_READ = "SELECT topic, partition, first_offset, end_offset FROM review_queue.recoveries"
_DONE = """
DELETE FROM review_queue.recoveries
WHERE topic = $1 AND partition = $2 AND first_offset = $3 AND end_offset = $4
"""


@dataclass
class Recovery:
    """`done` is set once what was decided earlier is known. Any number of processes may read."""

    engines: EngineSettings
    database: Database
    restoring: Restoring
    service: str
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        async with self.database.transaction() as connection:
            spans = [Span(*row.values()) for row in await connection.fetch(_READ)]
        for event in _OWN:
            await self._take([span for span in spans if span.topic == event.type], event)
        async with self.database.transaction() as connection:
            await connection.executemany(
                _DONE, [(each.topic, each.partition, each.first, each.end) for each in spans]
            )
        self.done.set()

    async def _take(
        self, spans: Sequence[Span], event: type[ReviewCompleted] | type[DecisionCorrected]
    ) -> None:
        if spans:
            async for events in events_of(self.engines, spans, event, service=self.service):
                await self.restoring.take(events)

    def before(self, loop: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """The loop, which begins no earlier: it would decide otherwise what is decided."""

        async def wait_and_run() -> None:
            await self.done.wait()
            await loop()

        wait_and_run.__qualname__ = getattr(loop, "__qualname__", wait_and_run.__qualname__)
        return wait_and_run
