"""The state topic says what the promoter's tables say, whoever else has written to it.

A record of somebody else's, a tombstone, or the records of a time that a restored database does not
know: what a new reader would find is compared with the tables, and said again above it.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from services.promoter.rollout import restate
from services.promoter.state import Rollout, served_of
from services.promoter.store import Store
from shared.errors import Rejected
from shared.events import RolloutChanged
from shared.health import Health
from shared.messaging.readers.rollouts import Rollouts
from shared.tasks import get_task
from shared.telemetry import logger

# Our own record is on its way for a moment; what stays different for longer is not ours.
PATIENCE_SECONDS = 10.0
_TICK_SECONDS = 1.0


@dataclass
class Restating:
    """Compares the topic with the tables, task by task."""

    store: Store
    published: Rollouts
    health: Health
    clock: Callable[[], float] = time.monotonic
    _different_since: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Compare forever, once the topic has been read."""
        await self.published.caught_up()
        while True:
            await self.tick()
            await asyncio.sleep(_TICK_SECONDS)

    async def tick(self) -> None:
        """Say again what the topic does not say, or says otherwise."""
        known = {rollout.task: rollout for rollout in await self.store.rollouts()}
        for task in known.keys() | self.published.revisions().keys():
            if _is_known(task):
                await self._compare(known.get(task) or Rollout(task))

    async def _compare(self, rollout: Rollout) -> None:
        task = rollout.task
        last, newest = self.published.last_of(task), self.published.of(task)
        above = newest.revision if newest else 0
        same = last is None if rollout.revision == 0 else _says(last, rollout)
        if same and above <= rollout.revision:
            self._different_since.pop(task, None)
            return
        since = self._different_since.setdefault(task, self.clock())
        if above > rollout.revision or self.clock() - since > PATIENCE_SECONDS:
            await self._restate(rollout, above)
            self._different_since.pop(task, None)

    async def _restate(self, rollout: Rollout, above: int) -> None:
        why = f"the topic held revision {above}, the registry {rollout.revision}, or another state"
        try:
            await self.store.change(
                rollout.task, lambda seen: restate(seen.rollout, above=above, why=why)
            )
        except Rejected as error:
            self.health.alert("rollouts restated", f"{rollout.task}: {error}")
            return
        self.health.alert("rollouts restated", f"{rollout.task}: {why}")
        logger.error("rollout restated", task=rollout.task, found=above, ours=rollout.revision)


def _says(last: RolloutChanged | None, rollout: Rollout) -> bool:
    """Whether a record is the state of the tables."""
    return last is not None and (
        *(last.revision, last.rollout_id, last.stage, last.share, last.stopped, last.paused),
        *(last.champion, last.candidate, last.last_good),
    ) == (
        *(rollout.revision, rollout.rollout_id, rollout.stage, rollout.share),
        *(rollout.stopped, rollout.paused, *map(served_of, rollout.serving)),
    )


def _is_known(task: str) -> bool:
    try:
        get_task(task)
    except Rejected:
        return False
    return True
