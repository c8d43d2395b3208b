"""Evaluations and predictions in; the clock moves the stages on."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from services.promoter.counting import observe
from services.promoter.rollout import tick
from services.promoter.state import RolloutLimits
from services.promoter.store import Store
from services.promoter.trained import TrainedModels
from shared.errors import Conflict, NotFound
from shared.events import ModelEvaluated, PredictionMade
from shared.tasks import get_task

_TICK_SECONDS = 1.0
_TICKS_UNTIL_FORGETTING = 60


FindTrained = Callable[[Collection[str]], Awaitable[TrainedModels]]
Verify = Callable[[ModelEvaluated], Awaitable[None]]


class Handlers:
    """`verify` refuses an evaluation whose report does not say the same."""

    def __init__(
        self, store: Store, find_trained: FindTrained, *, verify: Verify, limits: RolloutLimits
    ) -> None:
        self.store = store
        self.find_trained = find_trained
        self.verify = verify
        self.limits = limits

    async def models_evaluated(self, evaluations: Sequence[ModelEvaluated]) -> None:
        """Take evaluations that were reported so, of versions that were trained so."""
        for evaluation in evaluations:
            get_task(evaluation.task)
            await self.verify(evaluation)
        new = await self.store.unregistered({e.model.version for e in evaluations})
        trained = await self.find_trained(new) if new else {}
        for evaluation in evaluations:
            if evaluation.model.version in new:
                _refuse_untrained(evaluation, trained)
            await self.store.take_evaluation(evaluation)

    async def predictions_made(self, predictions: Sequence[PredictionMade]) -> None:
        """Count the cases of the stages that are running; all others cost one query."""
        running = {r.task: r for r in await self.store.rollouts() if r.watched is not None}
        observations = [
            observation
            for prediction in predictions
            if (rollout := running.get(prediction.case.task))
            and (observation := observe(prediction, rollout))
        ]
        if observations:
            await self.store.count_cases(observations)

    async def run(self) -> None:
        """Let time pass forever. Several processes may: the rollout's lock orders them."""
        while True:
            for _ in range(_TICKS_UNTIL_FORGETTING):
                await self.tick()
                await asyncio.sleep(_TICK_SECONDS)
            await self.store.forget_counted()

    async def tick(self) -> None:
        for rollout in await self.store.rollouts():
            await self.store.change(
                rollout.task,
                lambda seen: tick(
                    seen.rollout, counts=seen.counts, limits=self.limits, now=seen.now
                ),
            )


def _refuse_untrained(evaluation: ModelEvaluated, trained: TrainedModels) -> None:
    model = evaluation.model
    if model.version not in trained:
        raise NotFound("no such version has been trained", field="model.version")
    if model not in trained[model.version]:
        raise Conflict("the version was trained as another model", field="model")
