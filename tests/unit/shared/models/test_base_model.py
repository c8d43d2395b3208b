"""A base model from anywhere becomes one directory that every backend loads."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from shared.models.base_model import BaseModelUnavailable, materialize
from shared.models.tokens import Tokens
from shared.tasks.task import Prompt

pytestmark = pytest.mark.slow  # loads PyTorch

PROMPT = Prompt("Decide the claim.", "Note: none")


def _without(base: Path, directory: Path, template: str | None) -> Path:
    """The tiny base model with another chat template."""
    AutoModelForCausalLM.from_pretrained(base).save_pretrained(directory)
    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(directory)
    return directory


def test_a_directory_is_copied_in_half_precision_with_its_template(
    tiny_base: Path, tmp_path: Path
) -> None:
    copied = materialize(str(tiny_base), tmp_path / "base")
    model: Any = AutoModelForCausalLM.from_pretrained(copied)
    assert model.dtype == torch.bfloat16
    assert Tokens(copied).prompt(PROMPT) == Tokens(tiny_base).prompt(PROMPT)


@pytest.mark.parametrize(
    "template",
    [
        None,
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}",
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}",
    ],
    ids=["none", "refuses the system message", "drops the system message"],
)
def test_a_template_that_does_not_take_a_system_message_is_replaced(
    tiny_base: Path, tmp_path: Path, template: str | None
) -> None:
    source = _without(tiny_base, tmp_path / "source", template)
    tokens = Tokens(materialize(str(source), tmp_path / "base"))
    text = tokens.decode(tokens.prompt(PROMPT))
    assert "Decide the claim." in text
    assert text.endswith("### assistant")


def test_an_unknown_model_is_refused_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(BaseModelUnavailable, match="name a directory"):
        materialize(str(tmp_path / "nothing"), tmp_path / "base")


def test_from_the_command_line(tiny_base: Path, tmp_path: Path) -> None:
    command = ["-m", "shared.models.base_model", "--base"]
    good = [sys.executable, *command, str(tiny_base), "--out", str(tmp_path / "base")]
    assert subprocess.run(good, capture_output=True, check=False).returncode == 0
    bad = [sys.executable, *command, str(tmp_path / "nothing"), "--out", str(tmp_path / "other")]
    run = subprocess.run(bad, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "name a directory" in run.stderr.splitlines()[-1]
