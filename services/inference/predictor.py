"""Turns cases into predictions: micro-batches what waits, off the event loop.

A batch holds about half a second of model work, whoever asks by HTTP goes first, and a batch
that was scored under a rollout that has changed since is scored again before anybody sees it.
No case fails for its neighbor's fault, and none that a version cannot score is lost.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.inference.arms import assign
from services.inference.serving import Serving
from shared.errors import Rejected, Transient
from shared.events import Arm, Case, PredictionMade, RolloutChanged, Score, ServedModel
from shared.models.backend import Backend, LabelScores, ModelUnusable
from shared.models.calibration import probabilities
from shared.storage.artifacts import in_thread
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

    def settle(self, outcome: PredictionMade | Exception) -> None:
        if self.future.done():  # whoever asked has gone
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


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
        """The predictions of `cases`, in their order; `Transient` if too many wait already.

        Those made before a rollout changed are made again: a large batch takes seconds, and none
        of a model that was withdrawn meanwhile may leave.
        """
        predictions = await self._queue(cases, explain, urgent=urgent)
        while old := [n for n, made in enumerate(predictions) if self._is_outdated(made)]:
            again = await self._queue(
                [cases[n] for n in old], [explain[n] for n in old], urgent=urgent
            )
            for n, made in zip(old, again, strict=True):
                predictions[n] = made
        return predictions

    async def _queue(
        self, cases: Sequence[Case], explain: Sequence[bool], *, urgent: bool
    ) -> list[PredictionMade]:
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

    def _is_outdated(self, prediction: PredictionMade) -> bool:
        rollout = self.serving.active.get(prediction.case.task)
        if rollout is None or rollout.champion is None:
            return prediction.rollout_id is not None
        made_under = (prediction.rollout_id, prediction.rollout_revision)
        return made_under != (rollout.rollout_id, rollout.revision)

    async def run(self) -> None:
        """Work off the line for ever."""
        while True:
            batch = self._take()
            if not batch:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            await self._answer(batch)

    def _take(self) -> list[Waiting]:
        """The next micro-batch: about `batch_seconds` of work, at least one case.

        At most one of its cases is to be explained, which alone takes seconds: the next such
        case stays in line, and those behind it go first.
        """
        budget = self._speed * self.batch_seconds
        batch: list[Waiting] = []
        for line in (self._urgent, self._patient):
            staying: list[Waiting] = []
            while line and len(batch) < _LARGEST_BATCH and budget >= 0:
                item = line.popleft()
                if item.future.cancelled():
                    continue
                if item.explain and any(other.explain for other in batch):
                    staying.append(item)
                    continue
                budget -= item.length * self._arms(item.case.task)
                (staying if batch and budget < 0 else batch).append(item)
            line.extendleft(reversed(staying))
        return batch

    def _arms(self, task: str) -> int:
        rollout = self.serving.active.get(task)
        return 2 if rollout is not None and rollout.candidate is not None else 1

    async def _answer(self, batch: Sequence[Waiting]) -> None:
        """Task by task, the case to be explained last: nobody else waits for its text."""
        alike: dict[tuple[bool, str], list[Waiting]] = defaultdict(list)
        for item in sorted(batch, key=lambda item: (item.explain, item.length)):
            alike[item.explain, item.case.task].append(item)
        for (_, task), items in alike.items():
            try:
                outcomes = await self._predict(task, items)
            except Exception as error:  # noqa: BLE001 - whoever waits gets the error
                outcomes = [error] * len(items)
            for item, outcome in zip(items, outcomes, strict=True):
                item.settle(outcome)

    async def _predict(
        self, task: str, items: Sequence[Waiting]
    ) -> list[PredictionMade | Exception]:
        """Score under the active rollout, again if it changed meanwhile."""
        while True:
            rollout = self.serving.active.get(task)
            outcomes = await self._predict_under(rollout, items)
            if self.serving.active.get(task) is rollout:
                return outcomes

    async def _predict_under(
        self, rollout: RolloutChanged | None, items: Sequence[Waiting]
    ) -> list[PredictionMade | Exception]:
        if rollout is None or rollout.champion is None:
            return [PredictionMade(occurred_at=self.now(), case=item.case) for item in items]
        said = {"champion": await self._score(rollout.champion, "champion", items)}
        if rollout.candidate is not None:
            said["candidate"] = await self._score(rollout.candidate, "candidate", items)
        outcomes = []
        for index, item in enumerate(items):
            of_item = {arm: found[index] for arm, found in said.items()}
            outcomes.append(await self._outcome(item, rollout, of_item))
        return outcomes

    async def _outcome(
        self, item: Waiting, rollout: RolloutChanged, said: Mapping[str, Score | Exception]
    ) -> PredictionMade | Exception:
        """The case's prediction, also if the champion rejects the case: then nobody answers, and
        a human will. Any other error of the champion is no matter of the case, and returned."""
        champion = said["champion"]
        if isinstance(champion, Exception) and not isinstance(champion, Rejected):
            return champion
        return await self._explained(_prediction(item, rollout, said, now=self.now()), item)

    async def _score(
        self, served: ServedModel, arm: Arm, items: Sequence[Waiting]
    ) -> list[Score | Exception]:
        """What one version says of each item, or why it says nothing.

        Items that fail together are halved until the one at fault stands alone.
        """
        backend = self.serving.pool.backend_of(served.version)
        if backend is None:
            return [ModelUnusable(f"{served.version} is not in memory")] * len(items)
        try:
            return list(await self._score_together(backend, served, arm, items))
        except Exception as error:  # noqa: BLE001 - the case's own, or a failed version
            if len(items) == 1:
                logger.error(
                    "not scored",
                    version=served.version,
                    reason=repr(error),
                    exc_info=not isinstance(error, Rejected),
                )
                return [error]
        middle = len(items) // 2
        first = await self._score(served, arm, items[:middle])
        return [*first, *await self._score(served, arm, items[middle:])]

    async def _score_together(
        self, backend: Backend, served: ServedModel, arm: Arm, items: Sequence[Waiting]
    ) -> list[Score]:
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
        """With a draft of the reasoning, if one was asked for and comes about: it is no part of
        the judgment, so none is better than no prediction."""
        answer = prediction.answer
        if not item.explain or answer is None:
            return prediction
        backend = self.serving.pool.backend_of(answer.version)
        if backend is None:
            return prediction
        try:
            text = await in_thread(backend.explain, answer.version, item.prompt, answer.label)
        except ModelUnusable:  # unloaded a moment ago: the rollout has changed
            return prediction
        except Exception as error:  # noqa: BLE001 - out of memory, for example
            logger.error("not explained", version=answer.version, exc_info=error)
            return prediction
        return prediction.model_copy(update={"reasoning": text})


def _prediction(
    item: Waiting,
    rollout: RolloutChanged,
    said: Mapping[str, Score | Exception],
    *,
    now: datetime,
) -> PredictionMade:
    """The assigned arm answers; where it could not score the case, the champion does."""
    scores = {arm: found for arm, found in said.items() if isinstance(found, Score)}
    assignment = assign(item.case.group_id, rollout)
    answer = scores.get(assignment.arm) or scores.get("champion")
    assigned = answer is not None and answer.arm == assignment.arm
    served = {"champion": rollout.champion, "candidate": rollout.candidate}
    return PredictionMade(
        occurred_at=now,
        case=item.case,
        scores=tuple(scores.values()),
        answering_version=answer.version if answer else None,
        arm=answer.arm if answer else None,
        arm_probability=assignment.probability if assigned else 1.0,
        rollout_id=rollout.rollout_id,
        rollout_revision=rollout.revision,
        failed_versions=tuple(
            model.version for arm, model in served.items() if model and arm not in scores
        ),
    )


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
        quantization=model.quantization,
        latency_ms=latency_ms,
    )
