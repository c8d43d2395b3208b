"""Requests for review in, reviews in the queue out."""

from collections.abc import Sequence

from services.review_queue.reviewing.intake import Intake
from services.review_queue.reviewing.review import check
from shared.events import ReviewRequested


class Handlers:
    def __init__(self, intake: Intake) -> None:
        self.intake = intake

    async def reviews_requested(self, requests: Sequence[ReviewRequested]) -> None:
        for request in requests:
            check(request)
        await self.intake.add(requests)
