"""Tells the promoter which revision of the rollouts this process answers under.

It says so at every change and every few seconds, so that who is silent is not taken for obedient.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from shared.events import RolloutsApplied
from shared.messaging.bus import Bus

HEARTBEAT_SECONDS = 10.0
_LOOK_SECONDS = 0.1


def _process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


@dataclass
class Acknowledging:
    """Publishes what `revisions` returns: the revision by task that this process obeys."""

    bus: Bus
    revisions: Callable[[], Mapping[str, int]]

    def __post_init__(self) -> None:
        self.process = _process()
        self.bus.farewells.append(self.leave)

    async def run(self) -> None:
        """Say it forever, at once after each change."""
        said: Mapping[str, int] | None = None
        due = 0.0
        while True:
            revisions = dict(self.revisions())
            if revisions != said or time.monotonic() > due:
                await self._say(revisions)
                said, due = revisions, time.monotonic() + HEARTBEAT_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)

    async def leave(self) -> None:
        """Nothing is decided here any more: nobody need wait for this process."""
        await self._say(self.revisions(), leaving=True)

    async def _say(self, revisions: Mapping[str, int], *, leaving: bool = False) -> None:
        said = RolloutsApplied(
            occurred_at=datetime.now(UTC),
            service=self.bus.service,
            process=self.process,
            revisions=dict(revisions),
            leaving=leaving,
        )
        await self.bus.publish([said])
