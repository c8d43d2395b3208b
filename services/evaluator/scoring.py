"""Lets a version answer held-out cases, with the very code that serves it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.evaluator.held_out import Answers
from shared.datasets import Example
from shared.events import TrainedModel
from shared.models.backend import Backend, LabelScores, open_backend
from shared.models.calibration import probabilities
from shared.registry import ModelCache
from shared.tasks.task import Prompt

_CHUNK = 64  # cases between two progress reports

OnProgress = Callable[[int, int], None]  # done, of


@dataclass
class Scorer:
    """Versions on the same base model share it in memory."""

    cache: ModelCache
    device: str
    _backends: dict[tuple[str, str | None, str], Backend] = field(default_factory=dict)

    def answers(
        self,
        model: TrainedModel,
        examples: Sequence[Example],
        labels: Sequence[str],
        *,
        on_progress: OnProgress,
    ) -> Answers:
        backend = self._backend(model)
        backend.load(model.version, self.cache.adapter(model))
        prompts = [prompt_of(example) for example in examples]
        begun = time.perf_counter()
        scores: list[LabelScores] = []
        for start in range(0, len(prompts), _CHUNK):
            chunk = prompts[start : start + _CHUNK]
            scores += backend.score(model.version, chunk, labels)
            on_progress(len(scores), len(prompts))
        elapsed = time.perf_counter() - begun
        return Answers.of(
            model.version,
            [probabilities(s.log_probabilities, model.temperature) for s in scores],
            labels=labels,
            label_mass=[s.label_mass for s in scores],
            milliseconds_per_case=1000 * elapsed / max(len(scores), 1),
        )

    def _backend(self, model: TrainedModel) -> Backend:
        key = (model.backend, model.base_model, model.quantisation)
        if key not in self._backends:
            base = self.cache.base(model.base_model) if model.base_model else None
            self._backends[key] = open_backend(
                model.backend, base=base, quantisation=model.quantisation, device=self.device
            )
        return self._backends[key]


def prompt_of(example: Example) -> Prompt:
    """The case as the models read it: everything but the answer."""
    texts = {message.role: message.content for message in example.messages}
    return Prompt(system=texts.get("system", ""), user=texts["user"])
