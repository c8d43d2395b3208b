"""The line in front of the models: who waits, and which cases are predicted together.

A micro-batch holds about half a second of model work, whoever asks by HTTP goes first, and a
prediction that was made under a rollout that has changed since is made again before anybody
sees it.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.inference.prediction import Predictor, PromptedCase
from shared.errors import Transient
from shared.events import Case, PredictionMade

_LARGEST_BATCH = 256


@dataclass(frozen=True)
class WaitingCase:
    """A case in line, and where its prediction goes."""

    prompted: PromptedCase
    future: "asyncio.Future[PredictionMade]"

    def settle(self, outcome: PredictionMade | Exception) -> None:
        if self.future.done():  # whoever asked has gone
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


@dataclass
class MicroBatcher:
    """One line of waiting cases: those asked for by HTTP are urgent, those of Kafka patient."""

    predictor: Predictor
    batch_seconds: float
    waiting_cases: int
    _urgent: deque[WaitingCase] = field(default_factory=deque)
    _patient: deque[WaitingCase] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def predict(
        self, cases: Sequence[Case], *, explain: Sequence[bool], urgent: bool = False
    ) -> list[PredictionMade]:
        """The predictions of `cases`, in their order; `Transient` if too many wait already.

        Those made before a rollout changed are made again: a large batch takes seconds, and none
        of a model that was withdrawn meanwhile may leave.
        """
        prompted = [
            PromptedCase.of(case, explain=wanted)
            for case, wanted in zip(cases, explain, strict=True)
        ]
        predictions = await self._wait_in_line(prompted, urgent=urgent)
        while old := [n for n, p in enumerate(predictions) if self.predictor.is_outdated(p)]:
            again = await self._wait_in_line([prompted[n] for n in old], urgent=urgent)
            for n, prediction in zip(old, again, strict=True):
                predictions[n] = prediction
        return predictions

    async def run(self) -> None:
        """Process the queue forever."""
        while True:
            batch = self._next_batch()
            if not batch:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            await self._predict_batch(batch)

    async def _wait_in_line(
        self, cases: Sequence[PromptedCase], *, urgent: bool
    ) -> list[PredictionMade]:
        line = self._urgent if urgent else self._patient
        if urgent and len(line) >= self.waiting_cases:
            raise Transient(f"{len(line)} cases are waiting; try again in a moment")
        loop = asyncio.get_running_loop()
        waiting = [WaitingCase(prompted, loop.create_future()) for prompted in cases]
        line.extend(waiting)
        self._arrived.set()
        return await asyncio.gather(*(each.future for each in waiting))

    def _next_batch(self) -> list[WaitingCase]:
        """The next micro-batch: about `batch_seconds` of work, at least one case.

        At most one of its cases is to be explained, which alone takes seconds: the next such
        case stays in line, and those behind it go first.
        """
        budget = self.predictor.throughput.characters_per_second * self.batch_seconds
        batch: list[WaitingCase] = []
        for line in (self._urgent, self._patient):
            staying: list[WaitingCase] = []
            while line and len(batch) < _LARGEST_BATCH and budget >= 0:
                waiting = line.popleft()
                if waiting.future.cancelled():
                    continue
                if waiting.prompted.explain and any(each.prompted.explain for each in batch):
                    staying.append(waiting)
                    continue
                budget -= self._cost(waiting.prompted)
                (staying if batch and budget < 0 else batch).append(waiting)
            line.extendleft(reversed(staying))
        return batch

    def _cost(self, prompted: PromptedCase) -> int:
        """Characters that are read of the case, by all arms together."""
        return prompted.length * self.predictor.arm_count(prompted.case.task)

    async def _predict_batch(self, batch: Sequence[WaitingCase]) -> None:
        """Task by task, the case to be explained last: nobody else waits for its text."""
        alike: dict[tuple[bool, str], list[WaitingCase]] = defaultdict(list)
        for waiting in sorted(batch, key=lambda w: (w.prompted.explain, w.prompted.length)):
            alike[waiting.prompted.explain, waiting.prompted.case.task].append(waiting)
        for (_, task), together in alike.items():
            outcomes: list[PredictionMade | Exception]
            try:
                outcomes = await self.predictor.predict_task(task, [w.prompted for w in together])
            except Exception as error:  # noqa: BLE001 - whoever waits gets the error
                outcomes = [error] * len(together)
            for waiting, outcome in zip(together, outcomes, strict=True):
                waiting.settle(outcome)
