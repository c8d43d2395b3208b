"""The training loop: fits the parameters that learn to labeled cases, in plain PyTorch.

Read `fit` from top to bottom. The loss is on the answers alone, most of it on the tokens that the
label is later scored by.
"""

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from services.trainer import checkpoint
from services.trainer.checkpoint import TrainingState
from services.trainer.data import LabeledCase, Splits, batches
from services.trainer.progress import Progress, TrainingFailed
from services.trainer.strategies.lora_recipe import LoraRecipe
from shared.models.causal_lm import answer_logits
from shared.models.passes import abreast, passes, side_by_side
from shared.models.tokens import TokenRow, Tokens

T = TypeVar("T")


@dataclass(frozen=True)
class TrainingExample:
    """A case as the loss sees it: its tokens, and what each token of the answer weighs."""

    row: TokenRow
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Examples:
    """What is learned from, and what says when to stop: there the label alone counts."""

    train: Sequence[TrainingExample]
    validation: Sequence[TrainingExample]


def fit(
    model: Any,
    parameters: Mapping[str, Tensor],
    examples: Examples,
    *,
    recipe: LoraRecipe,
    checkpoints: Path,
    progress: Progress,
) -> tuple[TrainingState, Mapping[str, Tensor]]:
    """Train the parameters, or resume where a killed run stopped; the best that they became.

    `TrainingFailed` if the loss stops being a number or the memory does not suffice.
    """
    trusted = len(examples.validation) >= recipe.patience_cases
    lengths = [len(example.row.inputs) for example in examples.train]
    steps = plan_steps(recipe, lengths)
    optimizer = torch.optim.AdamW(parameters.values(), weight_decay=recipe.weight_decay)
    state = checkpoint.load(checkpoints, fingerprint=_fingerprint(recipe, examples))
    state.restore(parameters, optimizer)

    for step, (epoch, batch) in enumerate(steps[state.step :], start=state.step):
        if trusted and state.worse_epochs >= recipe.patience:
            break
        started = time.monotonic()
        share = learning_rate_share(recipe, step, len(steps))
        with _memory_suffices(recipe):
            loss = add_gradients(
                model, parameters, [examples.train[index] for index in batch], recipe
            )
        if not math.isfinite(loss):
            raise TrainingFailed("diverged", f"the loss was {loss} at step {step + 1}")
        _descend(optimizer, parameters, recipe, learning_rate=recipe.learning_rate * share)
        useful = sum(lengths[index] for index in batch)
        state.add_step(loss, tokens=useful, seconds=time.monotonic() - started)

        epoch_ends = step + 1 == len(steps) or steps[step + 1][0] > epoch
        if epoch_ends and examples.validation:
            progress.say("validating", epoch=epoch)
            state.add_validation(validation_loss(model, examples.validation, recipe), parameters)
        if epoch_ends or state.step % recipe.checkpoint_every == 0:
            state.save(parameters, optimizer, checkpoints)
        progress.say("training", steps=len(steps), epoch=epoch, **state.measures(len(steps)))

    best = state.best_adapter if trusted else {}
    return state, best or parameters


def _descend(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, Tensor],
    recipe: LoraRecipe,
    *,
    learning_rate: float,
) -> None:
    """One step along the gradients, which are clipped and then forgotten."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    clip_grad_norm_(parameters.values(), recipe.gradient_norm)
    optimizer.step()
    optimizer.zero_grad()


def tokenized(splits: Splits, labels: Sequence[str], base: Path, recipe: LoraRecipe) -> Examples:
    """The splits `train` and `validation` in the base model's tokens."""
    tokens = Tokens(base)
    return Examples(
        [training_example(case, tokens, labels, recipe) for case in splits["train"]],
        [validation_example(case, tokens, labels) for case in splits["validation"]],
    )


def training_example(
    case: LabeledCase, tokens: Tokens, labels: Sequence[str], recipe: LoraRecipe
) -> TrainingExample:
    """Weight 1 on each token that the label is scored by, `reason_weight` on the rest together."""
    answer = tokens.answer(case.label, case.reasoning)
    scored = _scored_tokens(case, tokens, labels)
    rest = recipe.reason_weight / (len(answer) - scored)
    weights = (1.0,) * scored + (rest,) * (len(answer) - scored)
    row = TokenRow(tokens.prompt(case.prompt), answer)
    return TrainingExample(row, weights)


def validation_example(case: LabeledCase, tokens: Tokens, labels: Sequence[str]) -> TrainingExample:
    scored = _scored_tokens(case, tokens, labels)
    row = TokenRow(tokens.prompt(case.prompt), tokens.label(case.label)[:scored])
    return TrainingExample(row, (1.0,) * scored)


def _scored_tokens(case: LabeledCase, tokens: Tokens, labels: Sequence[str]) -> int:
    return len(tokens.scored(labels)[labels.index(case.label)])


def plan_steps(recipe: LoraRecipe, lengths: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Every step of the run: its epoch, from 1, and the cases it learns from.

    As many epochs as the recipe says, and more until there are `least_steps`.
    """
    steps_an_epoch = math.ceil(len(lengths) / recipe.batch_cases)
    steps = max(recipe.epochs * steps_an_epoch, recipe.least_steps)
    planned = [
        (epoch, batch)
        for epoch in range(1, math.ceil(steps / steps_an_epoch) + 1)
        for batch in batches(
            lengths,
            cases=recipe.batch_cases,
            pool=recipe.pool_batches,
            random=Random(f"{recipe.seed} {epoch}"),
        )
    ]
    return planned[:steps]


def add_gradients(
    model: Any,
    parameters: Mapping[str, Tensor],
    batch: Sequence[TrainingExample],
    recipe: LoraRecipe,
) -> float:
    """Add the gradient of the batch's mean loss to the parameters', and return that loss."""

    def gradients_of(part: Sequence[int]) -> tuple[float, Sequence[Tensor]]:
        share = answer_loss(model, [batch[index] for index in part]) / len(batch)
        return share.item(), torch.autograd.grad(share, list(parameters.values()))

    total = 0.0
    for loss, gradients in _side_by_side(gradients_of, batch, model, recipe):
        total += loss
        for parameter, new in zip(parameters.values(), gradients, strict=True):
            parameter.grad = new if parameter.grad is None else parameter.grad.add_(new)
    return total


def learning_rate_share(recipe: LoraRecipe, step: int, steps: int) -> float:
    """Share of the learning rate at a step, from 0: up in a line, down in a cosine."""
    rising = recipe.warm_up * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    fall = (step - rising) / max(1.0, steps - rising)
    low = recipe.last_learning_rate
    return low + (1 - low) * (1 + math.cos(math.pi * fall)) / 2


def answer_loss(model: Any, examples: Sequence[TrainingExample]) -> Tensor:
    """Weighted cross-entropy of the answers' tokens in nats, summed over cases."""
    logits = answer_logits(model, [example.row for example in examples])
    targets = torch.tensor([token for example in examples for token in example.row.answer])
    weights = torch.tensor([weight for example in examples for weight in example.weights])
    each = cross_entropy(logits, targets.to(logits.device), reduction="none")
    return (each * weights.to(logits.device)).sum()


def validation_loss(model: Any, examples: Sequence[TrainingExample], recipe: LoraRecipe) -> float:
    """The label's cross-entropy in nats, mean over cases."""

    @torch.no_grad()
    def loss(part: Sequence[int]) -> float:
        return answer_loss(model, [examples[index] for index in part]).item()

    return sum(_side_by_side(loss, examples, model, recipe)) / len(examples)


def _side_by_side(
    work: Callable[[Sequence[int]], T],
    examples: Sequence[TrainingExample],
    model: Any,
    recipe: LoraRecipe,
) -> Iterator[T]:
    """What `work` makes of the examples, in passes; it gets their indices."""
    lengths = [len(example.row.inputs) for example in examples]
    parts = passes(
        range(len(examples)), lengths, tokens=recipe.pass_tokens, abreast=abreast(model.device)
    )
    return side_by_side(work, parts, device=model.device)


def _fingerprint(recipe: LoraRecipe, examples: Examples) -> str:
    """A checkpoint belongs to one recipe and one set of cases."""
    return hashlib.sha256(f"{recipe.model_dump_json()} {examples}".encode()).hexdigest()


@contextmanager
def _memory_suffices(recipe: LoraRecipe) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        known = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not known and "allocate memory" not in str(error):
            raise
        raise TrainingFailed(
            "out_of_memory",
            f"lower pass_tokens ({recipe.pass_tokens}), choose a smaller base model or quantize it",
        ) from error
