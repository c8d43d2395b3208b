"""After its tables were restored from a backup, a service takes over first what it said since.

`caseloop recover` writes into the table `recoveries` of its schema from where to where its own
topics hold that. Whatever else stands on them, and the tables do not know, is somebody else's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from shared.events import Event
from shared.messaging.readers.spans import Span, events_of
from shared.settings import EngineSettings
from shared.storage.database import Database

E = TypeVar("E", bound=Event)
# What a service does with the spans that were declared; there may be none.
Step = Callable[[Sequence[Span]], Awaitable[None]]

_READ = "SELECT topic, partition, first_offset, end_offset FROM {schema}.recoveries"
_DONE = """
DELETE FROM {schema}.recoveries
WHERE topic = $1 AND partition = $2 AND first_offset = $3 AND end_offset = $4
"""


def take_over(
    event: type[E],
    take: Callable[[Sequence[E]], Awaitable[None]],
    *,
    engines: EngineSettings,
    service: str,
) -> Step:
    """The step that hands the events of one topic to `take`, in batches; `take` says which of
    them the service can have said, and takes them as often as they come."""

    async def step(spans: Sequence[Span]) -> None:
        own = [span for span in spans if span.topic == event.type]
        if own:
            async for events in events_of(engines, own, event, service=service):
                await take(events)

    return step


@dataclass
class Recovery:
    """The steps in their order. Any number of processes may take them; each does so before it takes
    any work. `done` is set after the last one."""

    database: Database
    steps: Sequence[Step]
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        schema = self.database.schema
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_READ.format(schema=schema))
        spans = [Span(*row.values()) for row in rows]
        for step in self.steps:
            await step(spans)
        async with self.database.transaction() as connection:
            await connection.executemany(
                _DONE.format(schema=schema),
                [(each.topic, each.partition, each.first, each.end) for each in spans],
            )
        self.done.set()

    def before(self, loop: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """The loop, which begins no earlier: it would decide otherwise what is decided."""

        async def wait_and_run() -> None:
            await self.done.wait()
            await loop()

        wait_and_run.__qualname__ = getattr(loop, "__qualname__", wait_and_run.__qualname__)
        return wait_and_run
