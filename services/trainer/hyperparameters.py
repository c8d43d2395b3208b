"""Every setting of a training run. Saved beside the adapter, so that the run can be repeated."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# Of a case that a language model learns from and answers; a human decides longer ones.
LONGEST_PROMPT_TOKENS = 2048

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class Recipe(BaseModel):
    """Defaults are for a small base model on two CPU cores; a GPU wants larger batches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Literal["lora", "linear"] = "lora"
    seed: int = 0

    # linear
    inverse_regularization: Positive = 30.0  # scikit-learn's C

    # lora: what is trained
    quantization: Literal["none", "nf4", "int8"] = "none"  # of the base model
    rank: Count = 16
    alpha: Positive = 32.0  # updates are scaled by alpha / rank
    target_modules: tuple[str, ...] = (
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    )

    # lora: which cases, in tokens. The version keeps the limit.
    longest_prompt: Count = LONGEST_PROMPT_TOKENS

    # lora: how
    epochs: Count = 2
    least_steps: Count = 80  # few cases are read more often than `epochs` says
    learning_rate: Positive = 1e-3
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.1  # share of all steps
    last_learning_rate: Annotated[float, Field(ge=0, le=1)] = 0.05  # share, at the cosine's end
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    gradient_norm: Positive = 1.0  # gradients are clipped to it
    batch_cases: Count = 4
    pass_tokens: Count = 512  # computed at once, padding counted: what memory it takes
    pool_batches: Count = 8  # cases are sorted by length within so many batches
    reason_weight: Annotated[float, Field(ge=0)] = 0.2  # of a whole reasoning; the label has 1

    # lora: when it ends early, and how much a kill can cost
    patience: Count = 2  # epochs without a better validation loss
    patience_cases: Count = 30  # fewer validation cases say too little to stop or choose by
    checkpoint_every: Count = 20  # steps

    @property
    def longest_prompt_tokens(self) -> int | None:
        """What a version by this recipe reads of a case; none: any length."""
        return None if self.strategy == "linear" else self.longest_prompt
