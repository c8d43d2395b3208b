"""The parts of the training loop: what the loss weighs, its gradient, and the plan of steps."""

import itertools
import math
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from services.trainer import training_loop
from services.trainer.data import read_splits
from services.trainer.strategies.lora_recipe import LoraRecipe
from shared.models import passes
from shared.models.causal_lm import load_base
from shared.models.tokens import Tokens

LABELS = ("APPROVED", "DENIED")


def test_the_loss_weighs_the_label_and_nothing_of_the_prompt(
    tiny_base: Path, tiny_data: Path
) -> None:
    tokens = Tokens(tiny_base)
    case = read_splits(tiny_data, LABELS)["train"][0]
    example = training_loop.training_example(case, tokens, LABELS, LoraRecipe(reason_weight=0.2))
    assert len(example.weights) == len(example.row.answer)
    assert example.weights[0] == 1.0
    assert sum(example.weights) == pytest.approx(1.2)

    model = load_base(tiny_base, quantization="none", device="cpu").float()
    found = training_loop.answer_loss(model, [example]).item()
    ids = torch.tensor([example.row.prompt + example.row.answer])
    logits = model(ids).logits[0, len(example.row.prompt) - 1 : -1]
    each = cross_entropy(logits, torch.tensor(example.row.answer), reduction="none")
    assert found == pytest.approx((each * torch.tensor(example.weights)).sum().item(), rel=1e-4)


def test_the_learning_rate_rises_in_a_line_and_falls_in_a_cosine() -> None:
    recipe = LoraRecipe(warm_up=0.1, last_learning_rate=0.05)
    shares = [training_loop.learning_rate_share(recipe, step, 100) for step in range(100)]
    assert 0 < shares[0] < shares[5] < shares[9] < 1
    assert shares[10] == 1.0
    assert all(a > b for a, b in itertools.pairwise(shares[10:]))
    assert shares[55] == pytest.approx(0.05 + 0.95 / 2, abs=0.01)
    assert math.isclose(shares[-1], 0.05, abs_tol=0.01)


@pytest.mark.parametrize(
    ("cases", "steps"), [(1, 10), (8, 10), (17, 10), (80, 40)], ids=lambda n: str(n)
)
def test_few_cases_are_read_more_often(cases: int, steps: int) -> None:
    found = training_loop.plan_steps(
        LoraRecipe(epochs=2, least_steps=10, batch_cases=4), [50] * cases
    )
    assert len(found) == steps
    for epoch, of_epoch in itertools.groupby(found, key=lambda step: step[0]):
        read = sorted(index for _, batch in of_epoch for index in batch)
        whole = epoch < found[-1][0] or steps % math.ceil(cases / 4) == 0
        assert read == [*range(cases)] if whole else len(set(read)) == len(read) < cases


def test_passes_side_by_side_have_the_gradient_of_one(
    tiny_base: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = Tokens(tiny_base)
    cases = read_splits(tiny_data, LABELS)["train"][:5]
    examples = [
        training_loop.training_example(case, tokens, LABELS, LoraRecipe()) for case in cases
    ]
    model = load_base(tiny_base, quantization="none", device="cpu").float()
    layer = model.get_parameter("model.layers.0.mlp.up_proj.weight").requires_grad_(True)

    def learned(threads: int) -> tuple[float, torch.Tensor]:
        monkeypatch.setattr(passes, "_THREADS", threads)
        layer.grad = None
        loss = training_loop.add_gradients(model, {"up": layer}, examples, LoraRecipe())
        assert layer.grad is not None
        return loss, layer.grad

    (alone, one), (beside, other) = learned(1), learned(2)
    assert beside == pytest.approx(alone)
    assert torch.allclose(one, other, atol=1e-5)
    assert one.abs().max() > 1e-3
