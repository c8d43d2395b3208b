"""The ways by which training and scoring are fast change neither results nor gradients."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import AutoModelForCausalLM

from shared.models.causal_lm import add_adapter, answer_logits, load_base
from shared.models.tokens import TokenRow

pytestmark = pytest.mark.slow  # loads PyTorch

BEGINNING = tuple(range(20, 45))
ROWS = [
    TokenRow((*BEGINNING, 50, 51, 52), (60, 61)),
    TokenRow((*BEGINNING, 53), (62,)),
    TokenRow((*BEGINNING, 53, 54, 55, 56, 57), (63, 64, 65)),
]


def _config() -> LoraConfig:
    return LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"])


@pytest.fixture
def model(tiny_base: Path) -> Any:
    """In float32, so that what is equal shows as equal; its adapter is random, not zero."""
    model = load_base(tiny_base, quantization="none", device="cpu").float()
    add_adapter(model, _config(), "own")
    return _filled(model)


def _filled(model: Any) -> Any:
    torch.manual_seed(0)
    for name, parameter in sorted(model.named_parameters()):
        if "lora_" in name:
            torch.nn.init.normal_(parameter.data, std=0.3)
            parameter.requires_grad_(True)
    return model


def _one_by_one(model: Any, rows: list[TokenRow]) -> Tensor:
    """Every row alone, the model called in the plainest way."""
    logits = [
        model(input_ids=torch.tensor([row.inputs])).logits[0, len(row.prompt) - 1 :] for row in rows
    ]
    return torch.cat(logits)


def _gradients(model: Any, logits: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    torch.autograd.backward(logits.log_softmax(-1)[:, 7].sum())
    return {name: one.grad.clone() for name, one in model.named_parameters() if "lora_" in name}


@pytest.mark.parametrize(
    "rows",
    [ROWS, ROWS[:1], [TokenRow(row.prompt[20:], row.answer) for row in ROWS], [ROWS[1], ROWS[1]]],
    ids=["one beginning", "one row", "no common beginning", "the same prompt twice"],
)
def test_a_batch_gives_what_each_row_gives_alone(model: Any, rows: list[TokenRow]) -> None:
    alone, together = _one_by_one(model, rows), answer_logits(model, rows)
    assert together.dtype == torch.float32
    assert torch.allclose(together, alone, atol=1e-4)
    expected = _gradients(model, alone)
    for name, gradient in _gradients(model, answer_logits(model, rows)).items():
        assert torch.allclose(gradient, expected[name], atol=1e-4), name


def test_the_lean_layer_computes_what_peft_computes(model: Any, tiny_base: Path) -> None:
    plain: Any = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.bfloat16)
    peft: PeftModel = get_peft_model(plain.float(), _config())
    names = [name for name, _ in model.named_parameters() if "lora_" in name]
    with torch.no_grad():
        for name, parameter in peft.named_parameters():
            own = name.removeprefix("base_model.model.").replace(".default.", ".own.")
            if own in names:
                parameter.copy_(model.get_parameter(own))
        found, expected = _one_by_one(model, ROWS), _one_by_one(peft, ROWS)
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_base_model_is_frozen(tiny_base: Path) -> None:
    model = load_base(tiny_base, quantization="none", device="cpu")
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not model.training
