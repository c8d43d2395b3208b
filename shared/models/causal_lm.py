"""A causal language model with LoRA adapters: what training and scoring have in common.

Both read answers the same way: rows padded on the right, no attention mask (behind a causal
model's answer, padding changes nothing), and the vocabulary only at the answers' positions.
"""

import importlib.util
import itertools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict
from peft.tuners.lora import Linear
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, DynamicCache
from transformers.utils import logging

from shared.models.backend import ModelUnusable
from shared.models.tokens import TokenRow

PADDING = 0  # any token: nothing looks at it
_WORTH_SHARING = 8  # tokens
_QUANTIZATIONS = ("none", "nf4", "int8")


def load_base(directory: Path, *, quantization: str, device: str) -> Any:
    """The base model, frozen, in bfloat16 where the processor computes in it, else in float32.

    The device `auto` is the GPU if there is one.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if quantization not in _QUANTIZATIONS:
        raise ModelUnusable(f"no quantization {quantization!r}; there are {_QUANTIZATIONS}")
    logs: Any = logging  # has no types
    logs.disable_progress_bar()  # a service's log is no terminal
    slow = device == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported()
    model: Any = AutoModelForCausalLM.from_pretrained(
        directory,
        dtype=torch.float32 if slow else torch.bfloat16,
        # On a CPU, plain matrix products are faster than the fused kernel: training by a fifth.
        attn_implementation="eager" if device == "cpu" else "sdpa",
        device_map={"": device},
        quantization_config=_quantized(quantization),
    )
    return model.requires_grad_(False).eval()


def _quantized(quantization: str) -> Any:
    if quantization == "none":
        return None
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ModelUnusable(
            f"quantization {quantization} needs bitsandbytes: pip install 'caseloop[quantized]'"
        )
    settings: dict[str, dict[str, Any]] = {
        "int8": {"load_in_8bit": True},
        "nf4": {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_compute_dtype": torch.bfloat16,
        },
    }
    make: Any = BitsAndBytesConfig  # its constructor has no types
    return make(**settings[quantization])


class LeanLinear(Linear):
    """peft's LoRA layer, computed in the base's precision and added in one step.

    Adapters may be float32 (training: small updates must not be rounded away) without making
    the base's activations float32 on their way: 1.5 times the speed of peft's own layer there.
    """

    def forward(self, x: Tensor, *_: Any, **__: Any) -> Tensor:
        base: Any = self.get_base_layer()
        result: Tensor = base(x)
        for name in self.active_adapters:
            layer_a: Any = self.lora_A[name]
            layer_b: Any = self.lora_B[name]
            down = layer_a.weight.to(x.dtype)
            up = layer_b.weight.to(x.dtype) * self.scaling[name]
            small = x.reshape(-1, x.shape[-1]) @ down.t()
            added = torch.addmm(result.view(-1, result.shape[-1]), small, up.t())
            result = added.view(result.shape)
        return result


def add_adapter(model: Any, config: LoraConfig, name: str) -> None:
    """A fresh adapter: it changes nothing until it is trained or filled."""
    config._register_custom_module({nn.Linear: LeanLinear})
    with warnings.catch_warnings():  # peft wonders at a second adapter; it is what we want
        warnings.filterwarnings("ignore", "Already found a `peft_config`", UserWarning)
        inject_adapter_in_model(config, model, adapter_name=name)


def use_adapter(model: Any, name: str) -> None:
    for layer in _adapted(model):
        layer.set_adapter(name)


def remove_adapter(model: Any, name: str) -> None:
    for layer in _adapted(model):
        layer.set_adapter([])
        layer.delete_adapter(name)
    getattr(model, "peft_config", {}).pop(name, None)


def fill_adapter(model: Any, name: str, weights: dict[str, Tensor]) -> None:
    """Give the adapter its weights; `ValueError` unless they are exactly its own."""
    result: Any = set_peft_model_state_dict(model, weights, adapter_name=name)
    missing = [key for key in result.missing_keys if f".{name}." in key]
    for key in (*result.unexpected_keys, *missing):
        raise ValueError(f"{key} is not in both")


def _adapted(model: Any) -> list[BaseTunerLayer]:
    return [module for module in model.modules() if isinstance(module, BaseTunerLayer)]


def answer_logits(model: Any, rows: Sequence[TokenRow]) -> Tensor:
    """What the model expects at each token of each answer: [tokens of all answers, vocabulary].

    float32, row after row. What all rows begin with is computed once for all of them, and hidden
    states are gathered before the output layer, which would otherwise compute the vocabulary at
    every position of the prompts too.
    """
    start = _common(rows)
    width = max(len(row.inputs) for row in rows) - start
    padded = [[*row.inputs[start:], *[PADDING] * (width - len(row.inputs) + start)] for row in rows]
    positions = [
        index * width + len(row.prompt) - start - 1 + step
        for index, row in enumerate(rows)
        for step in range(len(row.answer))
    ]
    beginning = _read_beginning(model, rows[0].prompt[:start], len(rows)) if start else None
    hidden = model.base_model(
        input_ids=torch.tensor(padded, device=model.device),
        past_key_values=beginning,
        use_cache=beginning is not None,
    ).last_hidden_state
    picked = hidden.reshape(-1, hidden.shape[-1])[torch.tensor(positions, device=model.device)]
    logits: Tensor = model.get_output_embeddings()(picked)
    return logits.float()


def _common(rows: Sequence[TokenRow]) -> int:
    """How many tokens all prompts begin with, their last left out; 0 if sharing is not worth it."""
    shortest = min(len(row.prompt) for row in rows) - 1
    columns = itertools.islice(zip(*(row.prompt for row in rows), strict=False), shortest)
    common = sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, columns))
    return common if len(rows) > 1 and common >= _WORTH_SHARING else 0


def _read_beginning(model: Any, tokens: Sequence[int], copies: int) -> DynamicCache:
    """The attention's keys and values of these tokens, for so many rows."""
    cache = DynamicCache(config=model.config)
    ids = torch.tensor([list(tokens)], device=model.device)
    model.base_model(input_ids=ids, past_key_values=cache, use_cache=True)
    cache.batch_repeat_interleave(copies)
    return cache
