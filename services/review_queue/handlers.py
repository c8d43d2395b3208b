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


class Handlers:
    def __init__(self, intake: Intake, own: OwnTopics, history: MemberHistory) -> None:
        self.intake = intake
        self.own = own
        self.history = history

    async def reviews_requested(self, requests: Sequence[ReviewRequested]) -> None:
        for request in requests:
            check_reviewable(request)
        await self.history.refuse_decided([request.case.case_id for request in requests])
        await self.intake.add(requests)

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
