"""What every model backend can do: score the labels of cases, and draft a reasoning.

Services know models only through `Backend`, and this module knows no implementation: those stand
in `shared.models.backends`. A score is what the model says, uncalibrated: the log-probability of
each whole label, from which `shared.models.calibration` makes a confidence.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.errors import Rejected
from shared.tasks.task import Prompt


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


@dataclass(frozen=True)
class BackendOptions:
    """What a backend is opened with: the base model's directory if the versions have one, its
    arithmetic, and the processor (`auto`: a GPU if there is one)."""

    base: Path | None = None
    quantization: str = "none"
    device: str = "auto"


class Backend(Protocol):
    """Holds any number of versions in memory. Its methods may be called from several threads."""

    @property
    def name(self) -> str: ...

    @property
    def quantization(self) -> str: ...

    def load(
        self, version: str, directory: Path, *, longest_prompt_tokens: int | None = None
    ) -> None:
        """Take the version into memory; `ModelUnusable` leaves all others as they are.

        No prompt of more than `longest_prompt_tokens` is read, nor of more than the model can
        read; None says nothing more.
        """
        ...

    def unload(self, version: str) -> None:
        """Forget the version, if it is there."""
        ...

    def loaded(self) -> tuple[str, ...]: ...

    def reads(self, version: str, prompt: Prompt) -> bool:
        """Whether the prompt is short enough for the version."""
        ...

    def score(
        self, version: str, prompts: Sequence[Prompt], labels: Sequence[str]
    ) -> list[LabelScores]:
        """The labels' scores of each prompt, in the prompts' order, whatever their number.

        `Rejected` if the version does not read one of them, `ModelUnusable` if it is not loaded or
        has other labels.
        """
        ...

    def explain(self, version: str, prompt: Prompt, label: str, *, max_tokens: int = 64) -> str:
        """The reason that the model would give for `label`: a draft, never evidence."""
        ...
