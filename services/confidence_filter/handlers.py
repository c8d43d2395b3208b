"""Predictions in, routings and what follows from them out."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from services.confidence_filter.routing import (
    Accept,
    Review,
    Route,
    RoutingSettings,
    knows_newer_rollout,
    route_prediction,
)
from services.confidence_filter.store import Routing, Store
from shared.events import (
    DecisionMade,
    ModelAnswer,
    PredictionMade,
    ReviewRequested,
    RolloutChanged,
    Score,
    review_id_of,
)

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
        rollout = self.rollout_of(prediction.case.task)
        route = route_prediction(prediction, rollout, self.settings)
        if isinstance(route, Accept):
            event: DecisionMade | ReviewRequested = decision(prediction, route, at=self.now())
        else:
            event = review_request(prediction, route, at=self.now())
        return Routing(prediction, route, event)


def decision(prediction: PredictionMade, route: Accept, *, at: datetime) -> DecisionMade:
    """The decision of an accepted case. Its type refuses an adverse label."""
    case = prediction.case
    return DecisionMade(
        occurred_at=at,
        case_id=case.case_id,
        task=case.task,
        claim_id=case.claim_id,
        group_id=case.group_id,
        label=route.answer.label,
        reasoning=prediction.reasoning,
        decided_by="model",
        model_version=route.answer.version,
        confidence=route.answer.confidence,
        route_reason=route.reason,
        inclusion_probability=route.inclusion_probability,
        content_sha256=case.content_sha256,
    )


def review_request(prediction: PredictionMade, route: Review, *, at: datetime) -> ReviewRequested:
    case = prediction.case
    answer = prediction.answer
    return ReviewRequested(
        occurred_at=at,
        review_id=review_id_of(case.case_id),
        case=case,
        reason=route.reason,
        inclusion_probability=route.inclusion_probability,
        routing_version=routing_version(prediction, route),
        answer=_shown(answer, prediction.reasoning) if answer else None,
    )


def routing_version(prediction: PredictionMade, route: Route) -> str:
    """What routed the case: the version of these rules, with the rollout it was routed under."""
    return f"1/{prediction.rollout_id or '-'}.{prediction.rollout_revision}/{route.reason}"


def _shown(answer: Score, reasoning: str | None) -> ModelAnswer:
    return ModelAnswer(
        version=answer.version,
        label=answer.label,
        confidence=answer.confidence,
        probabilities=answer.probabilities,
        reasoning=reasoning,
    )
