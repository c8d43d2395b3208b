"""The strategy `lora`: a low-rank adapter of a causal language model (Hu et al., 2021).

The base model stays frozen in bfloat16, or quantized; the adapter learns in float32.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.trainer.data import LabeledCase, leave_out
from services.trainer.strategies.lora_recipe import LoraRecipe
from services.trainer.strategies.strategy import Strategy, TrainingInputs, TrainingResult

if TYPE_CHECKING:
    from peft import LoraConfig
    from torch import Tensor

ADAPTER, CONFIG = "adapter_model.safetensors", "adapter_config.json"  # peft's own names
_NAME = "trained"  # of the adapter, while it is trained


def train(recipe: LoraRecipe, inputs: TrainingInputs) -> TrainingResult:
    """Fit an adapter to the cases that are short enough, and save it.

    Resumes where a killed run stopped. `TrainingFailed` if the loss stops being a number or the
    memory does not suffice.
    """
    import torch

    from services.trainer import training_loop
    from shared.models.causal_lm import load_base

    base = inputs.base_model
    splits, too_long_cases = leave_out(inputs.splits, too_long(base, recipe))
    examples = training_loop.tokenized(splits, inputs.labels, base, recipe)
    torch.manual_seed(recipe.seed)
    model = load_base(base, quantization=recipe.quantization, device=inputs.device)
    config = _config(recipe)
    state, weights = training_loop.fit(
        model,
        _fresh_adapter(model, config),
        examples,
        recipe=recipe,
        checkpoints=inputs.out / "checkpoint",
        progress=inputs.progress,
    )
    _save(config, weights, inputs.out, dtype=model.dtype)
    return TrainingResult(splits, {"too_long_cases": too_long_cases, **state.summary()})


def too_long(base: Path, recipe: LoraRecipe) -> Callable[[LabeledCase], bool]:
    """Whether a case and its answer have more tokens than the version will read of a case."""
    from transformers import AutoConfig

    from shared.models.tokens import TokenRow, Tokens, readable_tokens

    tokens = Tokens(base)
    most = readable_tokens(AutoConfig.from_pretrained(base), recipe.longest_prompt)

    def is_too_long(case: LabeledCase) -> bool:
        row = TokenRow(tokens.prompt(case.prompt), tokens.answer(case.label, case.reasoning))
        return len(row.inputs) > most

    return is_too_long


def _config(recipe: LoraRecipe) -> "LoraConfig":
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,  # type: ignore[arg-type]
        target_modules=list(recipe.target_modules),
        task_type="CAUSAL_LM",
    )


def _fresh_adapter(model: Any, config: "LoraConfig") -> "dict[str, Tensor]":
    """The only parameters that learn, by name, in float32: their updates are small."""
    from shared.models.causal_lm import add_adapter

    add_adapter(model, config, _NAME)
    adapter = {name: one for name, one in model.named_parameters() if f".{_NAME}." in name}
    for parameter in adapter.values():
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    return adapter


def _save(config: "LoraConfig", adapter: "Mapping[str, Tensor]", out: Path, *, dtype: Any) -> None:
    """As peft saves it. In the base's precision, which is what the adapter is computed in."""
    from safetensors.torch import save_file

    weights = {
        f"base_model.model.{name.replace(f'.{_NAME}.', '.')}": one.detach().to("cpu", dtype)
        for name, one in adapter.items()
    }
    save_file(weights, out / ADAPTER, metadata={"format": "pt"})
    config.save_pretrained(str(out))


STRATEGY = Strategy(
    recipe=LoraRecipe,
    train=train,
    backend="transformers",
    needs_base_model=True,
    files=(ADAPTER, CONFIG),
)
