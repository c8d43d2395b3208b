"""Works off the comparisons one after the other, each in a child that gives its memory back.

What is to be compared follows from the candidates and the present champion: when that changes,
newer candidates are compared again.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from services.evaluator.request import Request
from services.evaluator.settings import Settings
from services.evaluator.store import Run, Store
from shared.errors import Transient
from shared.events import ModelEvaluated
from shared.health import Health
from shared.messaging.encoding import decode
from shared.messaging.rollouts import Rollouts
from shared.runs.child_process import Outcome, run_module
from shared.runs.leases import LostLease, kept
from shared.telemetry import logger

_IDLE_SECONDS = 0.5
_REPORT_SECONDS = 1.0


@dataclass
class Worker:
    """One process's share of the evaluations."""

    store: Store
    rollouts: Rollouts
    settings: Settings
    health: Health

    async def run(self) -> None:
        """Queue, lease and evaluate for ever."""
        await self.rollouts.caught_up()
        while True:
            if not await self.turn():
                await asyncio.sleep(_IDLE_SECONDS)

    async def turn(self) -> bool:
        """Queue what is wanted and work off one run; false if there was none."""
        await self._queue()
        run = await self.store.lease(seconds=self.settings.lease_seconds)
        if run is not None:
            await self._work(run)
        return run is not None

    async def _queue(self) -> None:
        for task in await self.store.tasks():
            rollout = self.rollouts.of(task)
            await self.store.queue(task, rollout.champion if rollout else None)

    async def _work(self, run: Run) -> None:
        logger.info("evaluating", version=run.model.version, attempt=run.attempt)
        seconds = self.settings.lease_seconds
        try:
            async with kept(lambda: self.store.report(run, {}, seconds=seconds), every=seconds / 3):
                await self._evaluate(run)
        except LostLease:
            logger.warning("lease lost", run=run.run_id)

    async def _evaluate(self, run: Run) -> None:
        last: Mapping[str, Any] = {}
        reported = 0.0

        async def on_report(said: dict[str, Any]) -> None:
            nonlocal last, reported
            last = said
            if "done" in said and time.monotonic() - reported >= _REPORT_SECONDS:
                reported = time.monotonic()
                with suppress(Transient):  # the lease decides who works on, not the report
                    await self.store.report(run, said, seconds=self.settings.lease_seconds)

        request = self._request(run).model_dump_json()
        outcome = await run_module("services.evaluator.job", [request], on_report)
        await self._conclude(run, outcome, last)

    async def _conclude(self, run: Run, outcome: Outcome, last: Mapping[str, Any]) -> None:
        """The job's last word decides; without one it was killed or broke."""
        version = run.model.version
        if "evaluated" in last:
            evaluated = decode(json.dumps(last["evaluated"]).encode(), ModelEvaluated)
            await self.store.succeed(run, evaluated)
            self.health.clear_alert(f"evaluation of {version}")
            logger.info("evaluated", version=version, verdict=evaluated.verdict)
        elif "away" in last:
            await self.store.release(run, counted=False)
            raise Transient(f"evaluation of {version}: {last['away']}")
        elif "failed" not in last and run.attempt < self.settings.attempts:
            logger.warning("job broke", version=version, why=outcome.reason)
            await self.store.release(run, counted=True)
        else:
            reason = str(last.get("failed") or outcome.reason)
            await self.store.fail(run, reason)
            self.health.alert(f"evaluation of {version}", reason)

    def _request(self, run: Run) -> Request:
        return Request(
            model=run.model,
            champion=run.champion,
            rules=self.settings.rules,
            model_cache=self.settings.model_cache,
            device=self.settings.device,
        )
