"""Turns cases into predictions: micro-batches what waits, off the event loop.

A batch holds about half a second of model work, whoever asks by HTTP goes first, and a batch
that was scored under a rollout that has changed since is scored again before anybody sees it.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.inference.arms import assign
from services.inference.serving import Serving
from shared.artifacts import in_thread
from shared.errors import Transient
from shared.events import Arm, Case, PredictionMade, RolloutChanged, Score, ServedModel
from shared.models.backend import LabelScores
from shared.models.calibration import probabilities
from shared.tasks import get_task
from shared.tasks.task import Prompt
from shared.telemetry import logger

_FIRST_GUESS_UNITS_PER_SECOND = 1500.0  # tokens; learned from the first batches
_LARGEST_BATCH = 256


@dataclass(frozen=True)
class Waiting:
    """A case in line, and where its prediction goes."""

    case: Case
    prompt: Prompt
    explain: bool
    future: "asyncio.Future[PredictionMade]"

    @property
    def length(self) -> int:
        """Characters: enough to sort by and to size a batch with."""
        return len(self.prompt.system) + len(self.prompt.user)


@dataclass
class Predictor:
    """One line of waiting cases in front of the models."""

    serving: Serving
    batch_seconds: float
    waiting_cases: int
    now: Callable[[], datetime]
    _urgent: deque[Waiting] = field(default_factory=deque)
    _patient: deque[Waiting] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _speed: float = _FIRST_GUESS_UNITS_PER_SECOND * 4  # characters a second, all arms together

    async def predict(
        self, cases: Sequence[Case], *, explain: Sequence[bool], urgent: bool = False
    ) -> list[PredictionMade]:
        """The predictions of `cases`, in their order; `Transient` if too many wait already."""
        line = self._urgent if urgent else self._patient
        if urgent and len(line) >= self.waiting_cases:
            raise Transient(f"{len(line)} cases are waiting; try again in a moment")
        loop = asyncio.get_running_loop()
        waiting = [
            Waiting(case, get_task(case.task).prompt(case.input), wanted, loop.create_future())
            for case, wanted in zip(cases, explain, strict=True)
        ]
        line.extend(waiting)
        self._arrived.set()
        return await asyncio.gather(*(item.future for item in waiting))

    async def run(self) -> None:
        """Work off the line for ever."""
        while True:
            batch = self._take()
            if not batch:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            try:
                await self._answer(batch)
            except Exception as error:  # noqa: BLE001 - whoever waits gets the error
                for item in batch:
                    if not item.future.done():
                        item.future.set_exception(error)

    def _take(self) -> list[Waiting]:
        """The next micro-batch: about `batch_seconds` of work, at least one case."""
        budget = self._speed * self.batch_seconds
        batch: list[Waiting] = []
        for line in (self._urgent, self._patient):
            while line and len(batch) < _LARGEST_BATCH:
                item = line[0]
                budget -= item.length * self._arms(item.case.task)
                if batch and budget < 0:
                    return batch
                line.popleft()
                if not item.future.cancelled():
                    batch.append(item)
        return batch

    def _arms(self, task: str) -> int:
        rollout = self.serving.active.get(task)
        return 2 if rollout is not None and rollout.candidate is not None else 1

    async def _answer(self, batch: Sequence[Waiting]) -> None:
        by_task: dict[str, list[Waiting]] = defaultdict(list)
        for item in sorted(batch, key=lambda item: item.length):
            by_task[item.case.task].append(item)
        for task, items in by_task.items():
            for item, prediction in zip(items, await self._predict(task, items), strict=True):
                if not item.future.done():
                    item.future.set_result(prediction)

    async def _predict(self, task: str, items: Sequence[Waiting]) -> list[PredictionMade]:
        """Score under the active rollout, again if it changed meanwhile."""
        while True:
            rollout = self.serving.active.get(task)
            predictions = await self._predict_under(rollout, items)
            if self.serving.active.get(task) is rollout:
                return predictions

    async def _predict_under(
        self, rollout: RolloutChanged | None, items: Sequence[Waiting]
    ) -> list[PredictionMade]:
        if rollout is None or rollout.champion is None:
            return [PredictionMade(occurred_at=self.now(), case=item.case) for item in items]
        champion = await self._score(rollout.champion, "champion", items)
        candidate: list[Score] | None = None
        if rollout.candidate is not None:
            candidate = await self._score_candidate(rollout.candidate, items)
        failed = (rollout.champion.version,) if champion is None else ()
        if rollout.candidate is not None and candidate is None:
            failed = (*failed, rollout.candidate.version)
        predictions = []
        for index, item in enumerate(items):
            scores = [arm[index] for arm in (champion, candidate) if arm is not None]
            predictions.append(self._prediction(item, rollout, scores, failed))
        return [await self._explained(p, i) for p, i in zip(predictions, items, strict=True)]

    def _prediction(
        self,
        item: Waiting,
        rollout: RolloutChanged,
        scores: Sequence[Score],
        failed: tuple[str, ...],
    ) -> PredictionMade:
        assignment = assign(item.case.group_id, rollout)
        by_arm = {score.arm: score for score in scores}
        arm: Arm = assignment.arm if assignment.arm in by_arm else "champion"
        answer = by_arm.get(arm)
        return PredictionMade(
            occurred_at=self.now(),
            case=item.case,
            scores=tuple(scores),
            answering_version=answer.version if answer else None,
            arm=arm,
            arm_probability=assignment.probability,
            rollout_id=rollout.rollout_id,
            rollout_revision=rollout.revision,
            failed_versions=failed,
        )

    async def _score_candidate(
        self, candidate: ServedModel, items: Sequence[Waiting]
    ) -> list[Score] | None:
        """A candidate that fails is reported in the event; the champion's answer stands."""
        try:
            return await self._score(candidate, "candidate", items)
        except Exception as error:  # noqa: BLE001 - reported as a failed version
            logger.error("candidate failed", version=candidate.version, exc_info=error)
            return None

    async def _score(
        self, served: ServedModel, arm: Arm, items: Sequence[Waiting]
    ) -> list[Score] | None:
        """Scores of one version for all items, or nothing if it is not in memory."""
        backend = self.serving.backend_of(served.version)
        if backend is None:
            return None
        labels = get_task(served.model.task).label_names
        started = time.perf_counter()
        found: list[LabelScores] = await in_thread(
            backend.score, served.version, [item.prompt for item in items], labels
        )
        seconds = time.perf_counter() - started
        self._learn(sum(item.length for item in items), seconds)
        latency = 1000 * seconds / len(items)
        return [_score_of(served, arm, scores, latency) for scores in found]

    def _learn(self, characters: int, seconds: float) -> None:
        if seconds > 0:
            self._speed += 0.3 * (characters / seconds - self._speed)

    async def _explained(self, prediction: PredictionMade, item: Waiting) -> PredictionMade:
        answer = prediction.answer
        if not item.explain or answer is None:
            return prediction
        backend = self.serving.backend_of(answer.version)
        if backend is None:
            return prediction
        text = await in_thread(backend.explain, answer.version, item.prompt, answer.label)
        return prediction.model_copy(update={"reasoning": text})


def _score_of(served: ServedModel, arm: Arm, scores: LabelScores, latency_ms: float) -> Score:
    model = served.model
    return Score(
        version=served.version,
        arm=arm,
        log_probabilities=scores.log_probabilities,
        label_mass=scores.label_mass,
        temperature=served.temperature,
        probabilities=probabilities(scores.log_probabilities, served.temperature),
        adapter_sha256=model.manifest.sha256,
        prompt_version=model.prompt_version,
        backend=model.backend,
        quantisation=model.quantisation,
        latency_ms=latency_ms,
    )
