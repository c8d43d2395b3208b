"""The strategy `lora`: fits a low-rank adapter to a causal language model, in plain PyTorch.

Read `train` from top to bottom. The loss is on the answers alone, most of it on the tokens that
the label is later scored by; the base model stays frozen in bfloat16, the adapter is float32.
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
from peft import LoraConfig
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from transformers import AutoConfig

from services.trainer import checkpoint
from services.trainer.checkpoint import State
from services.trainer.data import LabeledCase, Splits, batches
from services.trainer.hyperparameters import Recipe
from services.trainer.progress import Progress, TrainingFailed
from shared.models.causal_lm import add_adapter, answer_logits, load_base
from shared.models.passes import abreast, passes, side_by_side
from shared.models.tokens import Row, Tokens, readable_tokens

T = TypeVar("T")

_NAME = "trained"  # of the adapter, while it is trained


@dataclass(frozen=True)
class TrainingExample:
    """A case as the loss sees it: its tokens, and what each token of the answer weighs."""

    row: Row
    weights: tuple[float, ...]


def train(
    recipe: Recipe,
    splits: Splits,
    labels: Sequence[str],
    *,
    base: Path,
    out: Path,
    device: str,
    progress: Progress,
) -> State:
    """Fit an adapter, or go on where a killed run stopped, and save it in `out`.

    `TrainingFailed` if the loss stops being a number or the memory does not suffice.
    """
    tokens = Tokens(base)
    lessons = [lesson(case, tokens, labels, recipe) for case in splits["train"]]
    held_out = [label_only(case, tokens, labels) for case in splits["validation"]]
    trusted = len(held_out) >= recipe.patience_cases
    lengths = [len(one.row.inputs) for one in lessons]
    steps = plan(recipe, lengths)

    torch.manual_seed(recipe.seed)
    model = load_base(base, quantization=recipe.quantization, device=device)
    config = _config(recipe)
    adapter = _fresh_adapter(model, config)
    optimizer = torch.optim.AdamW(adapter.values(), weight_decay=recipe.weight_decay)
    state = checkpoint.load(out / "checkpoint", fingerprint=_fingerprint(recipe, lessons, held_out))
    state.restore(adapter, optimizer)

    for step, (epoch, batch) in enumerate(steps[state.step :], start=state.step):
        if trusted and state.worse_epochs >= recipe.patience:
            break
        started = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * schedule(recipe, step, len(steps))
        with _memory_suffices(recipe):
            loss = learn(model, adapter, [lessons[index] for index in batch], recipe)
        if not math.isfinite(loss):
            raise TrainingFailed("diverged", f"the loss was {loss} at step {step + 1}")
        clip_grad_norm_(adapter.values(), recipe.gradient_norm)
        optimizer.step()
        optimizer.zero_grad()

        useful = sum(lengths[index] for index in batch)
        state.learned(loss, tokens=useful, seconds=time.monotonic() - started)
        if step + 1 == len(steps) or steps[step + 1][0] > epoch:
            if held_out:
                progress.say("validating", epoch=epoch)
                state.judged(validation_loss(model, held_out, recipe), adapter)
            state.keep(adapter, optimizer, out / "checkpoint")
        elif state.step % recipe.checkpoint_every == 0:
            state.keep(adapter, optimizer, out / "checkpoint")
        progress.say("training", steps=len(steps), epoch=epoch, **state.measures(len(steps)))

    chosen = state.best_adapter if trusted else adapter
    _save(config, chosen or adapter, out, dtype=model.dtype)
    return state


def too_long(base: Path, recipe: Recipe) -> Callable[[LabeledCase], bool]:
    """Whether a case and its answer have more tokens than the version will read of a case."""
    tokens = Tokens(base)
    most = readable_tokens(AutoConfig.from_pretrained(base), recipe.longest_prompt)

    def is_too_long(case: LabeledCase) -> bool:
        row = Row(tokens.prompt(case.prompt), tokens.answer(case.label, case.reasoning))
        return len(row.inputs) > most

    return is_too_long


def lesson(
    case: LabeledCase, tokens: Tokens, labels: Sequence[str], recipe: Recipe
) -> TrainingExample:
    """Weight 1 on each token that the label is scored by, `reason_weight` on the rest together."""
    answer = tokens.answer(case.label, case.reasoning)
    scored = _scored_tokens(case, tokens, labels)
    rest = recipe.reason_weight / (len(answer) - scored)
    weights = (1.0,) * scored + (rest,) * (len(answer) - scored)
    row = Row(tokens.prompt(case.prompt), answer)
    return TrainingExample(row, weights)


def label_only(case: LabeledCase, tokens: Tokens, labels: Sequence[str]) -> TrainingExample:
    scored = _scored_tokens(case, tokens, labels)
    row = Row(tokens.prompt(case.prompt), tokens.label(case.label)[:scored])
    return TrainingExample(row, (1.0,) * scored)


def _scored_tokens(case: LabeledCase, tokens: Tokens, labels: Sequence[str]) -> int:
    return len(tokens.scored(labels)[labels.index(case.label)])


def plan(recipe: Recipe, lengths: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Every step of the run: its epoch, from 1, and the cases it learns from.

    As many epochs as the recipe says, and more until there are `least_steps`.
    """
    steps_an_epoch = math.ceil(len(lengths) / recipe.batch_cases)
    steps = max(recipe.epochs * steps_an_epoch, recipe.least_steps)
    found = [
        (epoch, batch)
        for epoch in range(1, math.ceil(steps / steps_an_epoch) + 1)
        for batch in batches(
            lengths,
            cases=recipe.batch_cases,
            pool=recipe.pool_batches,
            random=Random(f"{recipe.seed} {epoch}"),
        )
    ]
    return found[:steps]


def learn(
    model: Any, adapter: Mapping[str, Tensor], batch: Sequence[TrainingExample], recipe: Recipe
) -> float:
    """Add the gradient of the batch's mean loss to the adapter's, and return that loss."""

    def slope(part: Sequence[int]) -> tuple[float, Sequence[Tensor]]:
        share = answer_loss(model, [batch[index] for index in part]) / len(batch)
        return share.item(), torch.autograd.grad(share, list(adapter.values()))

    total = 0.0
    for loss, slopes in _side_by_side(slope, batch, model, recipe):
        total += loss
        for parameter, one in zip(adapter.values(), slopes, strict=True):
            parameter.grad = one if parameter.grad is None else parameter.grad.add_(one)
    return total


def schedule(recipe: Recipe, step: int, steps: int) -> float:
    """Share of the learning rate at a step, from 0: up in a line, down in a cosine."""
    rising = recipe.warm_up * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    fall = (step - rising) / max(1.0, steps - rising)
    low = recipe.last_learning_rate
    return low + (1 - low) * (1 + math.cos(math.pi * fall)) / 2


def answer_loss(model: Any, lessons: Sequence[TrainingExample]) -> Tensor:
    """Weighted cross-entropy of the answers' tokens in nats, summed over cases."""
    logits = answer_logits(model, [one.row for one in lessons])
    targets = torch.tensor([token for one in lessons for token in one.row.answer])
    weights = torch.tensor([weight for one in lessons for weight in one.weights])
    each = cross_entropy(logits, targets.to(logits.device), reduction="none")
    return (each * weights.to(logits.device)).sum()


def validation_loss(model: Any, lessons: Sequence[TrainingExample], recipe: Recipe) -> float:
    """The label's cross-entropy in nats, mean over cases."""

    @torch.no_grad()
    def loss(part: Sequence[int]) -> float:
        return answer_loss(model, [lessons[index] for index in part]).item()

    return sum(_side_by_side(loss, lessons, model, recipe)) / len(lessons)


def _side_by_side(
    work: Callable[[Sequence[int]], T],
    lessons: Sequence[TrainingExample],
    model: Any,
    recipe: Recipe,
) -> Iterator[T]:
    """What `work` makes of the lessons, in passes; it gets their indices."""
    lengths = [len(one.row.inputs) for one in lessons]
    parts = passes(
        range(len(lessons)), lengths, tokens=recipe.pass_tokens, abreast=abreast(model.device)
    )
    return side_by_side(work, parts, device=model.device)


def _config(recipe: Recipe) -> LoraConfig:
    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,  # type: ignore[arg-type]
        target_modules=list(recipe.target_modules),
        task_type="CAUSAL_LM",
    )


def _fresh_adapter(model: Any, config: LoraConfig) -> dict[str, Tensor]:
    """The only parameters that learn, by name, in float32: their updates are small."""
    add_adapter(model, config, _NAME)
    adapter = {name: one for name, one in model.named_parameters() if f".{_NAME}." in name}
    for parameter in adapter.values():
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    return adapter


def _fingerprint(recipe: Recipe, *lessons: Sequence[TrainingExample]) -> str:
    """A checkpoint belongs to one recipe and one set of cases."""
    return hashlib.sha256(f"{recipe.model_dump_json()} {lessons}".encode()).hexdigest()


@contextmanager
def _memory_suffices(recipe: Recipe) -> Iterator[None]:
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


def _save(config: LoraConfig, adapter: Mapping[str, Tensor], out: Path, *, dtype: Any) -> None:
    """As peft saves it. In the base's precision, which is what the adapter is computed in."""
    weights = {
        f"base_model.model.{name.replace(f'.{_NAME}.', '.')}": one.detach().to("cpu", dtype)
        for name, one in adapter.items()
    }
    save_file(weights, out / "adapter_model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(str(out))
