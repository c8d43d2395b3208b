"""Cases in, predictions out."""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.inference.batching import MicroBatcher
from services.inference.intake import Intake, case_of, refuse_future
from shared.events import CaseSubmitted, PredictionMade
from shared.messaging.bus import Bus


class Handlers:
    def __init__(
        self, intake: Intake, batcher: MicroBatcher, bus: Bus, *, now: Callable[[], datetime]
    ) -> None:
        self.intake = intake
        self.batcher = batcher
        self.bus = bus
        self.now = now

    async def cases_submitted(self, submissions: Sequence[CaseSubmitted]) -> None:
        await self._predict(submissions, urgent=False)

    async def predict(self, submission: CaseSubmitted) -> PredictionMade:
        """The same work and the same event for a case that came by HTTP."""
        predictions = await self._predict([submission], urgent=True)
        return predictions[0]

    async def _predict(
        self, submissions: Sequence[CaseSubmitted], *, urgent: bool
    ) -> list[PredictionMade]:
        for submission in submissions:
            refuse_future(submission, now=self.now())
        cases = [case_of(submission) for submission in submissions]
        await self.intake.record_cases(cases)
        predictions = await self.batcher.predict(
            cases, explain=[s.reasoning_requested for s in submissions], urgent=urgent
        )
        await self.bus.publish(predictions)
        return predictions
