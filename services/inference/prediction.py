"""What is said of a case: scored by its rollout's versions, answered by one of them, with a draft
of the reasoning if one was asked for.

No case fails for its neighbor's fault, and none that a version cannot score is lost.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.inference.arms import assign_arm
from services.inference.serving import Serving
from shared.errors import Rejected, words_of
from shared.events import Arm, Case, PredictionMade, RolloutChanged, Score, ServedModel
from shared.models.backend import Backend, LabelScores, ModelUnusable
from shared.models.calibration import probabilities
from shared.sampling import DrawKey
from shared.storage.artifacts import in_thread
from shared.tasks import get_task
from shared.tasks.task import Prompt
from shared.telemetry import logger

_FIRST_GUESS_CHARACTERS_PER_SECOND = 6000.0  # learned from the first batches
_LEARNING_RATE = 0.3


@dataclass(frozen=True)
class PromptedCase:
    """A case as the models read it, and whether a draft of the reasoning is wanted."""

    case: Case
    prompt: Prompt
    explain: bool

    @classmethod
    def of(cls, case: Case, *, explain: bool) -> "PromptedCase":
        return cls(case, get_task(case.task).prompt(case.input), explain)

    @property
    def length(self) -> int:
        """Characters: enough to sort by and to size a batch with."""
        return len(self.prompt.system) + len(self.prompt.user)


@dataclass
class Throughput:
    """How fast this process scores, whichever version does it."""

    characters_per_second: float = _FIRST_GUESS_CHARACTERS_PER_SECOND

    def learn(self, characters: int, seconds: float) -> None:
        if seconds > 0:
            surprise = characters / seconds - self.characters_per_second
            self.characters_per_second += _LEARNING_RATE * surprise


@dataclass
class Predictor:
    """Predicts cases of one task at a time with what this process serves."""

    serving: Serving
    now: Callable[[], datetime]
    key: DrawKey
    throughput: Throughput = field(default_factory=Throughput)

    def is_outdated(self, prediction: PredictionMade) -> bool:
        """Whether the rollout has changed since, so that another version might answer."""
        rollout = self.serving.active.get(prediction.case.task)
        if rollout is None or rollout.champion is None:
            return prediction.rollout_id is not None
        made_under = (prediction.rollout_id, prediction.rollout_revision)
        return made_under != (rollout.rollout_id, rollout.revision)

    def arm_count(self, task: str) -> int:
        """How many versions score a case of the task."""
        rollout = self.serving.active.get(task)
        return 2 if rollout is not None and rollout.candidate is not None else 1

    async def predict_task(
        self, task: str, cases: Sequence[PromptedCase]
    ) -> list[PredictionMade | Exception]:
        """A prediction of each case of the task, or what the champion failed with.

        Under the active rollout, and all again if it changed meanwhile.
        """
        while True:
            rollout = self.serving.active.get(task)
            predictions = await self._predict_under(rollout, cases)
            if self.serving.active.get(task) is rollout:
                return predictions

    async def _predict_under(
        self, rollout: RolloutChanged | None, cases: Sequence[PromptedCase]
    ) -> list[PredictionMade | Exception]:
        if rollout is None or rollout.champion is None:
            return [PredictionMade(occurred_at=self.now(), case=each.case) for each in cases]
        by_arm = {"champion": await self._score(rollout.champion, "champion", cases)}
        if rollout.candidate is not None:
            by_arm["candidate"] = await self._score(rollout.candidate, "candidate", cases)
        concluded = [
            await self._conclude(
                prompted, rollout, {arm: results[index] for arm, results in by_arm.items()}
            )
            for index, prompted in enumerate(cases)
        ]
        return await self._ask_last_good(rollout, cases, concluded)

    async def _ask_last_good(
        self,
        rollout: RolloutChanged,
        cases: Sequence[PromptedCase],
        predictions: Sequence[PredictionMade | Exception],
    ) -> list[PredictionMade | Exception]:
        """The predictions, with the last good version among those that failed where it cannot score
        either what a champion without a candidate cannot. It answers nothing: it tells a case that
        no version can score from a champion that fails."""
        asked = [
            index
            for index, prediction in enumerate(predictions)
            if isinstance(prediction, PredictionMade) and prediction.failed_versions
        ]
        concluded, witness = list(predictions), rollout.last_good
        if not asked or witness is None or rollout.candidate is not None:
            return concluded
        results = await self._score(witness, "champion", [cases[index] for index in asked])
        for index, result in zip(asked, results, strict=True):
            if isinstance(result, Exception):
                concluded[index] = _also_failed(concluded[index], witness)
        return concluded

    async def _conclude(
        self,
        prompted: PromptedCase,
        rollout: RolloutChanged,
        results: Mapping[str, Score | Exception],
    ) -> PredictionMade | Exception:
        """The case's prediction, also if the champion rejects the case: then nobody answers, and
        a human will. Any other error of the champion is no matter of the case, and returned."""
        champion = results["champion"]
        if isinstance(champion, Exception) and not isinstance(champion, Rejected):
            return champion
        scores = {arm: score for arm, score in results.items() if isinstance(score, Score)}
        prediction = choose_answer(prompted.case, rollout, scores, key=self.key, now=self.now())
        return await self._explain(prediction, prompted) if prompted.explain else prediction

    async def _score(
        self, served: ServedModel, arm: Arm, cases: Sequence[PromptedCase]
    ) -> list[Score | Exception]:
        """What one version says of each case, or why it says nothing.

        Cases that fail together are halved until the one at fault stands alone.
        """
        backend = self.serving.pool.backend_of(served.version)
        if backend is None:
            return [ModelUnusable(f"{served.version} is not in memory")] * len(cases)
        try:
            return list(await self._score_together(backend, served, arm, cases))
        except Exception as error:  # noqa: BLE001 - the case's own, or a failed version
            if len(cases) == 1:
                logger.error(
                    "not scored",
                    version=served.version,
                    reason=words_of(error),
                    exc_info=not isinstance(error, Rejected),
                )
                return [error]
        middle = len(cases) // 2
        first = await self._score(served, arm, cases[:middle])
        return [*first, *await self._score(served, arm, cases[middle:])]

    async def _score_together(
        self, backend: Backend, served: ServedModel, arm: Arm, cases: Sequence[PromptedCase]
    ) -> list[Score]:
        labels = get_task(served.model.task).label_names
        started = time.perf_counter()
        scored: list[LabelScores] = await in_thread(
            backend.score, served.version, [each.prompt for each in cases], labels
        )
        seconds = time.perf_counter() - started
        self.throughput.learn(sum(each.length for each in cases), seconds)
        latency_ms = 1000 * seconds / len(cases)
        return [_score_event(served, arm, scores, latency_ms) for scores in scored]

    async def _explain(self, prediction: PredictionMade, prompted: PromptedCase) -> PredictionMade:
        """With a draft of the reasoning, if it comes about: it is no part of the judgment, so none
        is better than no prediction."""
        answer = prediction.answer
        backend = self.serving.pool.backend_of(answer.version) if answer else None
        if answer is None or backend is None:
            return prediction
        try:
            text = await in_thread(backend.explain, answer.version, prompted.prompt, answer.label)
        except ModelUnusable:  # unloaded a moment ago: the rollout has changed
            return prediction
        except Exception as error:  # noqa: BLE001 - out of memory, for example
            logger.error("not explained", version=answer.version, exc_info=error)
            return prediction
        return prediction.model_copy(update={"reasoning": text})


def _also_failed(
    prediction: PredictionMade | Exception, version: ServedModel
) -> PredictionMade | Exception:
    if isinstance(prediction, Exception):
        return prediction
    failed = (*prediction.failed_versions, version.version)
    return prediction.model_copy(update={"failed_versions": failed})


def choose_answer(
    case: Case, rollout: RolloutChanged, scores: Mapping[str, Score], *, key: DrawKey, now: datetime
) -> PredictionMade:
    """The prediction from the scores by arm. The arm that the case's group is assigned to answers;
    where it could not score the case, the champion does, and without scores nobody."""
    assignment = assign_arm(case.group_id, rollout, key)
    answer = scores.get(assignment.arm) or scores.get("champion")
    assigned = answer is not None and answer.arm == assignment.arm
    served = {"champion": rollout.champion, "candidate": rollout.candidate}
    return PredictionMade(
        occurred_at=now,
        case=case,
        scores=tuple(scores.values()),
        answering_version=answer.version if answer else None,
        arm=answer.arm if answer else None,
        arm_probability=assignment.probability if assigned else 1.0,
        draw_key=key.version,
        rollout_id=rollout.rollout_id,
        rollout_revision=rollout.revision,
        failed_versions=tuple(
            model.version for arm, model in served.items() if model and arm not in scores
        ),
    )


def _score_event(served: ServedModel, arm: Arm, scores: LabelScores, latency_ms: float) -> Score:
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
