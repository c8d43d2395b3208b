"""The state of the rollouts: every process reads it whole before it takes work, and follows it.

A revision older than the newest seen is ignored, and so is a record that is no state of its key's
task: neither stops anybody.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import ConsumerRecord

from shared.errors import Rejected
from shared.events import RolloutChanged
from shared.health import Health
from shared.messaging.encoding import decode
from shared.messaging.readers.following import Follower
from shared.messaging.topics import ROLLOUTS_CHANGED
from shared.settings import EngineSettings
from shared.telemetry import logger

Listener = Callable[[RolloutChanged], Awaitable[None]]


class Rollouts:
    """The newest rollout of every task, as this process has read it."""

    def __init__(self, settings: EngineSettings, *, service: str, health: Health) -> None:
        self._health = health
        self._newest: dict[str, RolloutChanged] = {}
        self._last: dict[str, RolloutChanged | None] = {}
        self._listeners: list[Listener] = []
        self._follower = Follower(
            settings,
            health,
            ROLLOUTS_CHANGED,
            client_id=f"caseloop-{service}-rollouts",
            part="rollouts",
            take=self._take,
        )

    def of(self, task: str) -> RolloutChanged | None:
        return self._newest.get(task)

    def last_of(self, task: str) -> RolloutChanged | None:
        """What the last record of the task says: all that compaction will leave for new readers."""
        return self._last.get(task)

    def revisions(self) -> dict[str, int]:
        """The newest revision of each task."""
        return {task: rollout.revision for task, rollout in self._newest.items()}

    def on_change(self, listener: Listener) -> None:
        """Call `listener` for every newer revision, before later work sees it."""
        self._listeners.append(listener)

    async def caught_up(self) -> None:
        """Return once everything that stood in the topic at the start has been read."""
        await self._follower.caught_up.wait()

    async def run(self) -> None:
        """Follow the topic forever."""
        await self._follower.run()

    async def _take(self, record: "ConsumerRecord[Any, Any]") -> None:
        task = (record.key or b"").decode(errors="replace")
        try:
            rollout = decode(record.value, RolloutChanged)
            if rollout.task != task:
                raise Rejected("is not the record's key", field="task")
        except Rejected as error:
            self._last[task] = None
            self._health.alert("rollouts", f"a state record cannot be read: {error}")
            logger.error("unreadable rollout", offset=record.offset, reason=str(error))
            return
        self._last[task] = rollout
        known = self._newest.get(task)
        if known is not None and known.revision >= rollout.revision:
            return
        self._newest[task] = rollout
        for listener in self._listeners:
            await listener(rollout)
