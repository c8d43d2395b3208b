"""Which processes answer under the rollouts, and whether each obeys the newest revision.

A process that was heard within the last minute has to obey before an order counts as applied. Where
nobody of a service is heard, nobody can say that it obeys.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiokafka import ConsumerRecord

from shared.errors import Rejected
from shared.events import RolloutsApplied
from shared.messaging.encoding import decode
from shared.telemetry import logger

FORGOTTEN_SECONDS = 60.0
# Whoever decides by the rollouts: without a word from them an order is not known to be applied.
DECIDING = ("inference", "confidence_filter")


@dataclass(frozen=True)
class Heard:
    """The last that a process said, and when: by this process's own clock."""

    said: RolloutsApplied
    at: float


@dataclass
class Applied:
    """What the processes have said, by their names."""

    clock: Callable[[], float] = time.monotonic
    _heard: dict[str, Heard] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, record: "ConsumerRecord[Any, Any]") -> None:
        """A record of `rollouts.applied.v1`; one that cannot be read says nothing of anybody."""
        try:
            said = decode(record.value, RolloutsApplied)
        except Rejected as error:
            logger.warning("unreadable acknowledgment", offset=record.offset, reason=str(error))
            return
        if said.leaving:
            self._heard.pop(said.process, None)
        else:
            self._heard[said.process] = Heard(said, self.clock())
        self._news.set()

    def waiting_for(self, task: str, revision: int) -> tuple[str, ...]:
        """Who does not obey this revision of the task, in words; empty if it is applied.

        A higher one is not ours, or not yet known here: nobody can say that it carries the order.
        """
        now = self.clock()
        self._heard = {p: h for p, h in self._heard.items() if now - h.at < FORGOTTEN_SECONDS}
        heard = self._heard.values()
        silent = set(DECIDING) - {each.said.service for each in heard}
        behind = [h for h in heard if h.said.revisions.get(task, 0) != revision]
        return (
            *(f"{service}: no process has been heard" for service in sorted(silent)),
            *sorted(
                f"{h.said.service} on {h.said.process}: obeys revision "
                f"{h.said.revisions.get(task, 0)}, heard {now - h.at:.0f} s ago"
                for h in behind
            ),
        )

    async def wait_for_news(self, *, seconds: float) -> None:
        """Return when a process has said something, at the latest after so many seconds."""
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
