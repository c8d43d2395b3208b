"""Lets a version answer held-out cases, with the very code that serves it.

Also as little: what is longer than inference reads stays unanswered, and a human decides it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.evaluator.measures.held_out import UNANSWERED, Answers
from services.evaluator.score_cache import CachedScore, ScoreCache, key_of
from shared.events import TrainedModel
from shared.models.backend import Backend, open_backend
from shared.models.calibration import probabilities
from shared.storage.datasets import Example
from shared.storage.model_registry import ModelCache
from shared.tasks.task import Prompt

_CHUNK = 64  # cases between two progress reports

OnProgress = Callable[[int, int], None]  # done, of


@dataclass
class Scorer:
    """Versions on the same base model share it in memory."""

    cache: ModelCache
    device: str
    longest_prompt: int
    _backends: dict[tuple[str, str | None, str], Backend] = field(default_factory=dict)
    _loaded: set[str] = field(default_factory=set)

    def answers(
        self,
        model: TrainedModel,
        examples: Sequence[Example],
        labels: Sequence[str],
        *,
        on_progress: OnProgress,
    ) -> Answers:
        name = f"{model.manifest.sha256}-{self.longest_prompt}.jsonl"
        memory = ScoreCache(self.cache.directory / "answered" / name)
        prompts = {key_of(prompt, labels): prompt for prompt in map(prompt_of, examples)}
        answered = {key: each for key, each in memory.read().items() if key in prompts}
        missing = [key for key in prompts if key not in answered]
        if missing:
            reads = self._backend(model).reads
            missing = [key for key in missing if reads(prompts[key])]
        for start in range(0, len(missing), _CHUNK):
            on_progress(len(answered), len(prompts))
            chunk = missing[start : start + _CHUNK]
            new = self._score(model, [prompts[key] for key in chunk], labels)
            memory.add(dict(zip(chunk, new, strict=True)))
            answered.update(zip(chunk, new, strict=True))
        on_progress(len(prompts), len(prompts))
        given = [answered.get(key_of(prompt_of(example), labels)) for example in examples]
        nothing = dict.fromkeys(labels, 1.0 / len(labels))
        return Answers.of(
            model.version,
            [
                probabilities(g.scores.log_probabilities, model.temperature) if g else nothing
                for g in given
            ],
            labels=labels,
            label_mass=[g.scores.label_mass if g else UNANSWERED for g in given],
            milliseconds_per_case=sum(g.milliseconds for g in given if g) / max(len(answered), 1),
        )

    def _score(
        self, model: TrainedModel, prompts: Sequence[Prompt], labels: Sequence[str]
    ) -> list[CachedScore]:
        backend = self._backend(model)
        begun = time.perf_counter()
        scores = backend.score(model.version, prompts, labels)
        milliseconds = 1000 * (time.perf_counter() - begun) / len(prompts)
        return [CachedScore(each, milliseconds) for each in scores]

    def _backend(self, model: TrainedModel) -> Backend:
        key = (model.backend, model.base_model, model.quantization)
        if key not in self._backends:
            base = self.cache.base(model.base_model) if model.base_model else None
            self._backends[key] = open_backend(
                model.backend,
                base=base,
                quantization=model.quantization,
                device=self.device,
                longest_prompt=self.longest_prompt,
            )
        backend = self._backends[key]
        if model.version not in self._loaded:
            backend.load(model.version, self.cache.adapter(model))
            self._loaded.add(model.version)
        return backend


def prompt_of(example: Example) -> Prompt:
    """The case as the models read it: everything but the answer."""
    texts = {message.role: message.content for message in example.messages}
    return Prompt(system=texts.get("system", ""), user=texts["user"])
