"""Works off the comparisons one after the other, each in a child that gives its memory back.

What is to be compared follows from the candidates and the present champion: when that changes,
newer candidates are compared again.
"""

import json
from typing import Any

from services.evaluator.evaluation_request import EvaluationRequest
from services.evaluator.settings import Settings
from services.evaluator.store import EvaluationRun, Store
from shared.errors import Transient
from shared.events import ModelEvaluated
from shared.health import Health
from shared.messaging.encoding import decode
from shared.messaging.readers.rollouts import Rollouts
from shared.runs.worker import RunBroke, RunFailed, RunWorker, run_reporting_child, work_forever
from shared.telemetry import logger


class EvaluationWorker:
    """One process's share of the evaluations."""

    def __init__(
        self, store: Store, rollouts: Rollouts, settings: Settings, health: Health
    ) -> None:
        self.store = store
        self.rollouts = rollouts
        self.settings = settings
        self.health = health
        self._runs = RunWorker(
            store,
            work=self._evaluate,
            fail=self._fail,
            attempts=settings.attempts,
            lease_seconds=settings.lease_seconds,
        )

    async def run(self) -> None:
        """Queue, lease and evaluate forever."""
        await self.rollouts.caught_up()
        await work_forever(self.turn)

    async def turn(self) -> bool:
        """Queue what is wanted and work off one run; false if there was none."""
        await self.queue_comparisons()
        run = await self.store.lease(seconds=self.settings.lease_seconds)
        if run is not None:
            await self._runs.work_off(run)
        return run is not None

    async def queue_comparisons(self) -> None:
        """Queue what is to be compared with the present champions."""
        for task in await self.store.tasks():
            rollout = self.rollouts.of(task)
            await self.store.queue_comparisons(task, rollout.champion if rollout else None)

    async def _evaluate(self, run: EvaluationRun) -> None:
        """The job's last word decides; without one it was killed or broke."""
        logger.info("evaluating", version=run.model.version, attempt=run.attempt)

        async def report(progress: dict[str, Any]) -> None:
            await self.store.report(run, progress, seconds=self.settings.lease_seconds)

        request = self._request(run).model_dump_json()
        outcome, last = await run_reporting_child(
            "services.evaluator.job", [request], report, progress_field="done"
        )
        if "away" in last:
            raise Transient(f"{_part(run)}: {last['away']}")
        if "failed" in last:
            raise RunFailed(last["failed"])
        if "evaluated" not in last:
            raise RunBroke(outcome.reason)
        await self._succeed(run, decode(json.dumps(last["evaluated"]).encode(), ModelEvaluated))

    async def _succeed(self, run: EvaluationRun, evaluated: ModelEvaluated) -> None:
        await self.store.succeed(run, evaluated)
        self.health.clear_alert(_part(run))
        logger.info("evaluated", version=run.model.version, verdict=evaluated.verdict)

    async def _fail(self, run: EvaluationRun, reason: str) -> None:
        await self.store.fail(run, reason)
        self.health.alert(_part(run), reason)

    def _request(self, run: EvaluationRun) -> EvaluationRequest:
        return EvaluationRequest(
            model=run.model,
            champion=run.champion,
            gate=self.settings.gate,
            model_cache=self.settings.model_cache,
            device=self.settings.device,
        )


def _part(run: EvaluationRun) -> str:
    """What an alert is about."""
    return f"evaluation of {run.model.version}"
