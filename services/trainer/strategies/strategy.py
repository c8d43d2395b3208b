"""What a strategy consists of: its settings, its training, and what serves what it trains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from services.trainer.data import Splits
from services.trainer.progress import Progress

# Of a case that a language model learns from and answers; a human decides longer ones.
LONGEST_PROMPT_TOKENS = 2048

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Quantization = Literal["none", "nf4", "int8"]


class Recipe(BaseModel):
    """Every setting of a training run, saved beside the version, so that it can be repeated.

    A strategy's own recipe adds its settings to these.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: str
    seed: int = 0
    quantization: Quantization = "none"  # of the base model, if the strategy has one
    # Which cases, in tokens.
    longest_prompt: Count = LONGEST_PROMPT_TOKENS

    @property
    def longest_prompt_tokens(self) -> int | None:
        """What a version by this recipe reads of a case; none: any length."""
        return self.longest_prompt


R = TypeVar("R", bound=Recipe)


@dataclass(frozen=True)
class TrainingInputs:
    """What a strategy learns from, and where it writes."""

    splits: Splits
    labels: Sequence[str]
    base: Path | None  # directory of the base model
    out: Path
    device: str
    progress: Progress

    @property
    def base_model(self) -> Path:
        """For a strategy that needs one: without it, nothing is trained."""
        if self.base is None:
            raise ValueError("there is no base model")
        return self.base


@dataclass(frozen=True)
class TrainingResult:
    """The cases that are short enough for the version, and what was measured on the way."""

    splits: Splits
    measures: Mapping[str, Any]


@dataclass(frozen=True)
class Strategy(Generic[R]):
    """One way to train a version.

    `train` imports what takes seconds to import (torch, scikit-learn) when it is called.
    """

    recipe: type[R]
    train: Callable[[R, TrainingInputs], TrainingResult]
    backend: str  # that scores what was trained
    needs_base_model: bool
    files: tuple[str, ...]  # what `train` leaves in `out`
