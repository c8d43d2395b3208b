"""Predictions in, routings and what follows from them out."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from services.confidence_filter.outcomes import Routing
from services.confidence_filter.routing import (
    RoutingSettings,
    knows_newer_rollout,
    route_prediction,
)
from services.confidence_filter.store import Store
from shared.events import PredictionMade, RolloutChanged
from shared.tasks import get_task

CurrentRollout = Callable[[str], RolloutChanged | None]

# Inference often reads a new rollout some milliseconds before this process does.
ROLLOUT_WAIT_SECONDS = 2.0
_POLL_SECONDS = 0.02


class Handlers:
    """Routes each case once: its first prediction wins, also when it comes again."""

    def __init__(
        self,
        store: Store,
        rollout_of: CurrentRollout,
        *,
        settings: RoutingSettings,
        now: Callable[[], datetime],
    ) -> None:
        self.store = store
        self.rollout_of = rollout_of
        self.settings = settings
        self.now = now

    async def predictions_made(self, predictions: Sequence[PredictionMade]) -> None:
        await self._catch_up(predictions)
        await self.store.route([self._route(prediction) for prediction in predictions])

    async def _catch_up(self, predictions: Sequence[PredictionMade]) -> None:
        """Wait a moment for rollouts that were predicted under; what they decide is not guessed."""
        waited = 0.0
        while waited < ROLLOUT_WAIT_SECONDS and any(
            knows_newer_rollout(prediction, self.rollout_of(prediction.case.task))
            for prediction in predictions
        ):
            await asyncio.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS

    def _route(self, prediction: PredictionMade) -> Routing:
        prediction = _with_claim(prediction)
        rollout = self.rollout_of(prediction.case.task)
        now = self.now()
        route = route_prediction(prediction, rollout, self.settings, now=now)
        return Routing(prediction, route, at=now, draw_key=self.settings.key.version)


def _with_claim(prediction: PredictionMade) -> PredictionMade:
    """With the claim that the input names; `Rejected` if the prediction names another."""
    case = prediction.case
    claim_id = get_task(case.task).claim_id_of(case.content, given=case.claim_id)
    if claim_id == case.claim_id:
        return prediction
    named = case.model_copy(update={"claim_id": claim_id})
    return prediction.model_copy(update={"case": named})
