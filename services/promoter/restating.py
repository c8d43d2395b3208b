"""The state topic says what the promoter's tables say, whoever else has written to it.

A record of somebody else's, a tombstone, or the records of a time that a restored database does not
know: what a new reader would find is compared with the tables, and said again above it. What is
stopped on the topic is never started so.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.promoter.rollout import restate, restore
from services.promoter.state import Change, Rollout, served_of
from services.promoter.store import Snapshot, Store
from shared.errors import Rejected
from shared.events import RolloutChanged
from shared.health import Health
from shared.messaging.readers.rollouts import Rollouts
from shared.messaging.readers.spans import Span
from shared.messaging.topics import ROLLOUTS_CHANGED
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
        for rollout in await self._rollouts():
            await self._compare(rollout)

    async def restore(self, spans: Sequence[Span]) -> None:
        """Where `caseloop recover` has declared that the tables are a backup's: go on from what the
        topic has said since, as far as that is known."""
        if not any(span.topic == ROLLOUTS_CHANGED.name for span in spans):
            return
        for rollout in await self._rollouts():
            said = self.published.of(rollout.task)
            if said is not None and said.revision > rollout.revision:
                await self._go_on(rollout, said)

    async def _go_on(self, rollout: Rollout, said: RolloutChanged) -> None:
        names = [each.version if each else "none" for each in (said.champion, said.candidate)]
        why = (
            f"a backup of revision {rollout.revision} was restored, and revision {said.revision} "
            "had been said, with champion {} and candidate {}".format(*names)
        )
        await self._say(
            rollout.task, lambda seen: restore(seen.rollout, said, why=why, now=seen.now), why=why
        )

    async def _rollouts(self) -> Sequence[Rollout]:
        """Of every task that the tables or the topic know."""
        known = {rollout.task: rollout for rollout in await self.store.rollouts()}
        tasks = known.keys() | self.published.revisions().keys()
        return [known.get(task) or Rollout(task) for task in sorted(tasks) if _is_known(task)]

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
            why = (
                f"the topic held revision {above}, the registry {rollout.revision}, or another "
                "state"
            )
            await self._say(
                task, lambda seen: restate(seen.rollout, found=newest, why=why), why=why
            )
            self._different_since.pop(task, None)

    async def _say(self, task: str, decide: Callable[[Snapshot], Change], *, why: str) -> None:
        try:
            after = await self.store.change(task, decide)
        except Rejected as error:
            self.health.alert("rollouts restated", f"{task}: {error}")
            return
        self.health.alert("rollouts restated", f"{task}: {why}")
        logger.error("rollout restated", task=task, revision=after.rollout.revision, why=why)


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
