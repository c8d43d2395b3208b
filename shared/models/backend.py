"""What every model backend can do: score the labels of cases, and draft a reasoning.

Services know models only through `Backend`. A score is what the model says, uncalibrated: the
log-probability of each whole label, from which `shared.models.calibration` makes a confidence.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.errors import Rejected
from shared.tasks.task import Prompt

# Of a case that a language model answers; a human decides longer ones, and nobody learns from them.
LONGEST_PROMPT_TOKENS = 2048


class ModelUnusable(Rejected):
    """The directory holds no adapter that this backend can load onto its base model."""


@dataclass(frozen=True)
class LabelScores:
    """Natural logarithm of each label's probability among everything the model could answer."""

    log_probabilities: dict[str, float]

    @property
    def label_mass(self) -> float:
        """What the labels have together; the rest the model would spend on no answer at all."""
        return sum(math.exp(value) for value in self.log_probabilities.values())


class Backend(Protocol):
    """Holds any number of versions in memory. Its methods may be called from several threads."""

    @property
    def name(self) -> str: ...

    @property
    def quantization(self) -> str: ...

    def load(self, version: str, directory: Path) -> None:
        """Take the version's adapter into memory; `ModelUnusable` leaves all others as they are."""
        ...

    def unload(self, version: str) -> None:
        """Forget the version, if it is there."""
        ...

    def loaded(self) -> tuple[str, ...]: ...

    def reads(self, prompt: Prompt) -> bool:
        """Whether the prompt is short enough to be scored."""
        ...

    def score(
        self, version: str, prompts: Sequence[Prompt], labels: Sequence[str]
    ) -> list[LabelScores]:
        """The labels' scores of each prompt, in the prompts' order, whatever their number."""
        ...

    def explain(self, version: str, prompt: Prompt, label: str, *, max_tokens: int = 64) -> str:
        """The reason that the model would give for `label`: a draft, never evidence."""
        ...


def open_backend(
    name: str,
    *,
    base: Path | None,
    quantization: str = "none",
    device: str = "auto",
    longest_prompt: int = LONGEST_PROMPT_TOKENS,
) -> Backend:
    """The backend of that name on the base model in `base`.

    A language model rejects a prompt of more than `longest_prompt` tokens, or than it can read.
    Libraries are imported here and no earlier, so that a service without a model stays small.
    """
    if name == "scikit-learn":
        from shared.models.backends.linear import LinearBackend

        return LinearBackend()
    if name != "transformers":
        raise ModelUnusable(f"no backend {name!r}; there are transformers and scikit-learn")
    if base is None:
        raise ModelUnusable("the transformers backend needs a base model")
    from shared.models.backends.transformers import TransformersBackend

    return TransformersBackend(
        base, quantization=quantization, device=device, longest_prompt=longest_prompt
    )
