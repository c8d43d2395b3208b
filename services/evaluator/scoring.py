"""Lets a version answer held-out cases, with the very code that serves it.

Also as little: what is longer than the version reads stays unanswered, and a human decides it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.evaluator.measures.held_out import UNANSWERED, Answers
from services.evaluator.score_cache import CachedScore, ScoreCache, key_of
from shared.events import TrainedModel
from shared.models.calibration import probabilities
from shared.models.pool import ModelPool
from shared.storage.datasets import Example
from shared.tasks.task import Prompt

_CHUNK = 64  # cases between two progress reports

OnProgress = Callable[[int, int], None]  # done, of


@dataclass
class Scorer:
    """Asks each version a case once, also over several evaluations on the same disk."""

    pool: ModelPool

    def answers(
        self,
        model: TrainedModel,
        examples: Sequence[Example],
        labels: Sequence[str],
        *,
        on_progress: OnProgress,
    ) -> Answers:
        """What the version answers, in the examples' order."""
        keys = [key_of(example.prompt, labels) for example in examples]
        prompts = dict(zip(keys, (example.prompt for example in examples), strict=True))
        cache = ScoreCache(self._cache_file(model))
        scores = {key: score for key, score in cache.read().items() if key in prompts}
        unread = [key for key in prompts if key not in scores]
        missing = self._readable(model, unread, prompts) if unread else []
        for start in range(0, len(missing), _CHUNK):
            on_progress(len(scores), len(prompts))
            chunk = missing[start : start + _CHUNK]
            new = self._score(model, [prompts[key] for key in chunk], labels)
            cache.add(dict(zip(chunk, new, strict=True)))
            scores.update(zip(chunk, new, strict=True))
        on_progress(len(prompts), len(prompts))
        return _answers(model, [scores.get(key) for key in keys], labels)

    def _cache_file(self, model: TrainedModel) -> Path:
        return self.pool.cache.directory / "answered" / f"{model.manifest.sha256}.jsonl"

    def _readable(
        self, model: TrainedModel, keys: Sequence[str], prompts: Mapping[str, Prompt]
    ) -> list[str]:
        backend = self.pool.load(model)
        return [key for key in keys if backend.reads(model.version, prompts[key])]

    def _score(
        self, model: TrainedModel, prompts: Sequence[Prompt], labels: Sequence[str]
    ) -> list[CachedScore]:
        backend = self.pool.load(model)
        begun = time.perf_counter()
        scores = backend.score(model.version, prompts, labels)
        milliseconds = 1000 * (time.perf_counter() - begun) / len(prompts)
        return [CachedScore(each, milliseconds) for each in scores]


def _answers(
    model: TrainedModel, scores: Sequence[CachedScore | None], labels: Sequence[str]
) -> Answers:
    """The scores under the version's temperature; a case without one is left unanswered."""
    unanswered = dict.fromkeys(labels, 1.0 / len(labels))
    milliseconds = [each.milliseconds for each in scores if each]
    return Answers.of(
        model.version,
        [
            probabilities(each.scores.log_probabilities, model.temperature) if each else unanswered
            for each in scores
        ],
        labels=labels,
        label_mass=[each.scores.label_mass if each else UNANSWERED for each in scores],
        milliseconds_per_case=sum(milliseconds) / max(len(milliseconds), 1),
    )
