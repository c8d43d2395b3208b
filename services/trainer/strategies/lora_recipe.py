"""The settings of the strategy `lora`, each with its default."""

from typing import Annotated, Literal

from pydantic import Field

from services.trainer.strategies.strategy import Count, NotNegative, Positive, Recipe, Share


class LoraRecipe(Recipe):
    """Defaults are for a small base model on two CPU cores; a GPU wants larger batches."""

    strategy: Literal["lora"] = "lora"

    # What is trained.
    rank: Count = 16
    alpha: Positive = 32.0  # updates are scaled by alpha / rank
    target_modules: tuple[str, ...] = (
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    )

    # How: read by `training_loop.py`.
    epochs: Count = 2
    least_steps: Count = 80  # few cases are read more often than `epochs` says
    learning_rate: Positive = 1e-3
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.1  # share of all steps
    last_learning_rate: Share = 0.05  # share of the learning rate, at the cosine's end
    weight_decay: NotNegative = 0.0
    gradient_norm: Positive = 1.0  # gradients are clipped to it
    batch_cases: Count = 4
    pass_tokens: Count = 512  # computed at once, padding counted: what memory it takes
    pool_batches: Count = 8  # cases are sorted by length within so many batches
    reason_weight: NotNegative = 0.2  # of a whole reasoning; the label has 1

    # When it ends early, and how much a kill can cost.
    patience: Count = 2  # epochs without a better validation loss
    patience_cases: Count = 30  # fewer validation cases say too little to stop or choose by
    checkpoint_every: Count = 20  # steps
