"""Takes requests for review, and puts a review of each new case into the queue. On the topics that
the queue publishes to, only what it says itself counts."""

from collections.abc import Sequence

from services.review_queue.own_topics import OwnTopics
from services.review_queue.reading.member_history import MemberHistory
from services.review_queue.reviewing.intake import Intake
from services.review_queue.reviewing.review import check_reviewable
from shared.events import (
    DecisionCorrected,
    DecisionMade,
    PredictionMade,
    ReviewCompleted,
    ReviewRequested,
)
from shared.health import Health
from shared.telemetry import logger


class Handlers:
    def __init__(
        self, intake: Intake, own: OwnTopics, history: MemberHistory, health: Health
    ) -> None:
        self.intake = intake
        self.own = own
        self.history = history
        self.health = health

    async def reviews_requested(self, requests: Sequence[ReviewRequested]) -> None:
        for request in requests:
            check_reviewable(request)
        await self.intake.add(requests)
        await self._set_aside_models(requests)

    async def _set_aside_models(self, requests: Sequence[ReviewRequested]) -> None:
        """The filter asks people or lets a model decide, never both: one of the two is somebody
        else's. To ask in vain costs a look; not to ask leaves a case to whoever said so."""
        if not await self.history.set_aside_models([each.case.case_id for each in requests]):
            return
        why = (
            f"{DecisionMade.type} told of a model's decision of cases that {ReviewRequested.type} "
            "asks people about: they are asked, and whoever acted on the decision must be told"
        )
        self.health.alert("models' decisions", why)
        logger.error("model's decision set aside", reason=why)

    async def predictions_made(self, predictions: Sequence[PredictionMade]) -> None:
        await self.history.predictions_made(predictions)

    async def reviews_completed(self, reviews: Sequence[ReviewCompleted]) -> None:
        await self.own.check_completed(reviews)

    async def decisions_made(self, decisions: Sequence[DecisionMade]) -> None:
        await self.own.check_decisions(decisions)
        await self.history.decisions_made(decisions)

    async def decisions_corrected(self, corrections: Sequence[DecisionCorrected]) -> None:
        await self.own.check_corrected(corrections)
        await self.history.decisions_corrected(corrections)
