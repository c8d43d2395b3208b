"""Which models this process has in memory and which rollout it answers under.

A new rollout takes effect once its champion is in memory; until then, and if it cannot be loaded,
the one before serves on. Its candidate joins once it is loaded or refused, and holds up nobody.
"""

import asyncio
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass, field

from shared.errors import Transient, words_of
from shared.events import RolloutChanged, ServedModel
from shared.health import Health
from shared.models.pool import ModelPool
from shared.storage.artifacts import MissingArtifact, in_thread
from shared.telemetry import logger

_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 10.0


@dataclass
class Serving:
    """The models in memory. `active` maps each task to the rollout that is answered under."""

    pool: ModelPool
    health: Health
    active: dict[str, RolloutChanged] = field(default_factory=dict)
    _wanted: dict[str, RolloutChanged] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _refused: set[str] = field(default_factory=set)
    _missing: set[str] = field(default_factory=set)  # refused, too, until it is there
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def want(self, rollout: RolloutChanged) -> None:
        """Take a newer rollout: active at once if its champion is in memory; `run` loads the rest.

        So a rollback waits for no download.
        """
        self._wanted[rollout.task] = rollout
        self._activate()
        self._settled.clear()
        self._changed.set()

    def revisions(self) -> dict[str, int]:
        """The revision of each task's rollout that is answered under."""
        return {task: rollout.revision for task, rollout in self.active.items()}

    async def settled(self) -> None:
        """Return once every champion wanted was tried."""
        if self._wanted:
            await self._settled.wait()

    async def run(self) -> None:
        """Converge on what is wanted, forever: all champions first, then what stands by them."""
        wait = _RETRY_SECONDS
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = list(self._wanted.values())
            tried = [await self._try_to_load(rollout.champion) for rollout in wanted]
            if all(tried) and not self._changed.is_set():
                self._settled.set()
            tried += [
                await self._try_to_load(served)
                for rollout in wanted
                for served in (rollout.candidate, rollout.last_good)
                if self._wanted[rollout.task] is rollout
            ]
            await self._unload_unknown()
            if all(tried):
                self.health.clear_alert("models")
            if all(tried) and not self._missing:
                wait = _RETRY_SECONDS
            else:
                await self._wait_for_changes(wait)
                wait = min(2 * wait, _LONGEST_RETRY_SECONDS)

    async def _wait_for_changes(self, seconds: float) -> None:
        """Return once another rollout is wanted, or it is time to try again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.set()

    def _activate(self) -> None:
        """Answer under whatever is possible now."""
        for task, wanted in self._wanted.items():
            known = self.active.get(task)
            possible = effective_rollout(
                wanted, known, loaded=self.pool.versions, refused=self._refused
            )
            if possible is not None and possible != known:
                self.active[task] = possible
                logger.info("rollout active", task=task, revision=possible.revision)

    async def _try_to_load(self, served: ServedModel | None) -> bool:
        """Load a version or refuse it; False while object storage does not serve us."""
        if served is None or served.version in self.pool.versions:
            return True
        version = served.version
        self._missing.discard(version)
        try:
            await in_thread(self.pool.load, served.model)
        except Transient as error:
            self.health.alert("models", f"waiting: {error}")
            return False
        except Exception as error:  # noqa: BLE001 - an unusable model is an alert, not an outage
            reason = words_of(error)
            self._refused.add(version)
            if isinstance(error, MissingArtifact):
                self._missing.add(version)
            self.health.alert(f"model {version}", f"refused: {reason}")
            logger.error("model refused", version=version, exc_info=error)
        else:
            self._forgive(version)
        self._activate()
        return True

    def _forgive(self, version: str) -> None:
        self._refused.discard(version)
        self._missing.discard(version)
        self.health.clear_alert(f"model {version}")

    async def _unload_unknown(self) -> None:
        """Forget versions that no rollout names; the last good one stays for a rollback."""
        named = {
            served.version
            for rollout in (*self.active.values(), *self._wanted.values())
            for served in (rollout.champion, rollout.candidate, rollout.last_good)
            if served is not None
        }
        for version in set(self.pool.versions) - named:
            await in_thread(self.pool.forget(version))
        for version in self._refused - named:
            self._forgive(version)


def effective_rollout(
    wanted: RolloutChanged,
    known: RolloutChanged | None,
    *,
    loaded: Container[str],
    refused: Container[str],
) -> RolloutChanged | None:
    """The rollout to answer under, when `known` is the one so far.

    That stays until the champion wanted is in memory, also if it is refused; where there was none
    before, a refused one takes its place. The candidate joins once it is loaded or refused. A stop
    waits for no model.
    """
    champion, candidate = wanted.champion, wanted.candidate
    if not wanted.stopped and champion is not None and champion.version not in loaded:
        replaces = known is not None and known.revision < wanted.revision
        if replaces or champion.version not in refused:
            return known
    if candidate is None or candidate.version in loaded or candidate.version in refused:
        return wanted
    return wanted.model_copy(update={"candidate": None})
