"""Takes requests for review, and puts a review of each new case into the queue."""

from collections.abc import Sequence

from services.review_queue.reviewing.intake import Intake
from services.review_queue.reviewing.review import check_reviewable
from shared.events import ReviewRequested


class Handlers:
    def __init__(self, intake: Intake) -> None:
        self.intake = intake

    async def reviews_requested(self, requests: Sequence[ReviewRequested]) -> None:
        for request in requests:
            check_reviewable(request)
        await self.intake.add(requests)
