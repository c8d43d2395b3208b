"""Scores with logistic regression on the words of a case: the baseline, and the fast backend.

It knows no other answers than its labels, so its label mass is 1.
"""

from collections.abc import Sequence
from pathlib import Path

from shared.models.backend import Backend, BackendOptions, LabelScores, ModelUnusable
from shared.models.backends.linear_model import LinearModel
from shared.tasks.task import Prompt

_TERMS_SHOWN = 3


def open_backend(options: BackendOptions) -> Backend:  # noqa: ARG001 - it needs none of them
    return LinearBackend()


class LinearBackend:
    name = "scikit-learn"
    quantization = "none"

    def __init__(self) -> None:
        self._models: dict[str, LinearModel] = {}

    def load(
        self,
        version: str,
        directory: Path,
        *,
        longest_prompt_tokens: int | None = None,  # noqa: ARG002 - it counts words, however many
    ) -> None:
        if version not in self._models:
            self._models[version] = LinearModel.load(directory)

    def unload(self, version: str) -> None:
        self._models.pop(version, None)

    def loaded(self) -> tuple[str, ...]:
        return tuple(self._models)

    def reads(self, version: str, prompt: Prompt) -> bool:  # noqa: ARG002 - it counts words
        self._model(version)
        return True

    def score(
        self, version: str, prompts: Sequence[Prompt], labels: Sequence[str]
    ) -> list[LabelScores]:
        model = self._model(version)
        if set(labels) != set(model.labels):
            raise ModelUnusable(f"{version} knows {model.labels}, not {tuple(labels)}")
        if not prompts:
            return []
        rows = model.log_probabilities([prompt.user for prompt in prompts]).tolist()
        return [LabelScores(dict(zip(model.labels, row, strict=True))) for row in rows]

    def explain(self, version: str, prompt: Prompt, label: str, *, max_tokens: int = 64) -> str:
        terms = self._model(version).decisive(prompt.user, label)
        shown = terms[: min(_TERMS_SHOWN, max_tokens)]
        if not shown:
            return f"Nothing in the case speaks for {label}."
        return f"Speaks for {label}: {', '.join(repr(term) for term in shown)}."

    def _model(self, version: str) -> LinearModel:
        try:
            return self._models[version]
        except KeyError:
            raise ModelUnusable(f"{version} is not loaded") from None
