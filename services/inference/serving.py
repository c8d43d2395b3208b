"""Which models this process has in memory and which rollout it answers under.

A new rollout takes effect once its champion is loaded; until then, and if it cannot be loaded,
the one before serves on. A candidate that cannot be loaded never holds up the champion.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from shared.artifacts import in_thread
from shared.errors import Rejected, Transient
from shared.events import RolloutChanged, ServedModel, TrainedModel
from shared.health import Health
from shared.models.backend import Backend, open_backend
from shared.registry import ModelCache
from shared.telemetry import logger

_RETRY_SECONDS = 1.0


@dataclass
class Serving:
    """The models in memory. `active` maps each task to the rollout that is answered under."""

    cache: ModelCache
    health: Health
    device: str
    active: dict[str, RolloutChanged] = field(default_factory=dict)
    _wanted: dict[str, RolloutChanged] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _backends: dict[tuple[str, str | None, str], Backend] = field(default_factory=dict)
    _loaded: dict[str, Backend] = field(default_factory=dict)  # by version
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def want(self, rollout: RolloutChanged) -> None:
        """Take note of a newer rollout; `run` makes it the active one."""
        self._wanted[rollout.task] = rollout
        self._settled.clear()
        self._changed.set()

    async def settled(self) -> None:
        """Return once everything wanted was tried."""
        if self._wanted:
            await self._settled.wait()

    async def run(self) -> None:
        """Converge on what is wanted, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                for rollout in list(self._wanted.values()):
                    await self._converge(rollout)
            except Transient as error:
                self.health.alert("models", f"waiting for object storage: {error}")
                self._changed.set()
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if not self._changed.is_set():
                self._settled.set()

    def backend_of(self, version: str) -> Backend | None:
        """The backend that has this version in memory."""
        return self._loaded.get(version)

    @property
    def versions(self) -> list[str]:
        return sorted(self._loaded)

    async def _converge(self, rollout: RolloutChanged) -> None:
        known = self.active.get(rollout.task)
        if known is not None and known.revision >= rollout.revision:
            return
        for served in (rollout.candidate, rollout.last_good):
            if served is not None:
                await self._try_load(served)
        champion = rollout.champion
        if champion is not None and not await self._try_load(champion) and known is not None:
            return
        self.active[rollout.task] = rollout
        logger.info("rollout active", task=rollout.task, revision=rollout.revision)
        await self._unload_unknown()

    async def _try_load(self, served: ServedModel) -> bool:
        version = served.version
        if version in self._loaded:
            return True
        try:
            await self._load(served.model)
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 - an unusable model is an alert, not an outage
            reason = str(error) if isinstance(error, Rejected) else type(error).__name__
            self.health.alert(f"model {version}", f"refused: {reason}")
            logger.error("model refused", version=version, exc_info=error)
            return False
        self.health.calm(f"model {version}")
        self.health.calm("models")
        return True

    async def _load(self, model: TrainedModel) -> None:
        directory = await in_thread(self.cache.adapter, model)
        key = (model.backend, model.base_model, model.quantisation)
        if key not in self._backends:
            self._backends[key] = await in_thread(self._open, model)
        backend = self._backends[key]
        await in_thread(backend.load, model.version, directory)
        self._loaded[model.version] = backend

    def _open(self, model: TrainedModel) -> Backend:
        base: Path | None = self.cache.base(model.base_model) if model.base_model else None
        return open_backend(
            model.backend, base=base, quantisation=model.quantisation, device=self.device
        )

    async def _unload_unknown(self) -> None:
        """Forget versions that no rollout names; the last good one stays for a rollback."""
        named = {
            served.version
            for rollout in (*self.active.values(), *self._wanted.values())
            for served in (rollout.champion, rollout.candidate, rollout.last_good)
            if served is not None
        }
        for version in set(self._loaded) - named:
            backend = self._loaded.pop(version)
            await in_thread(backend.unload, version)
