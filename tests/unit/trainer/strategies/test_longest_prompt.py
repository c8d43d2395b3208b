"""What a version says of itself is what it was trained with."""

import pytest

from services.trainer.settings import Settings
from services.trainer.strategies.linear import LinearRecipe
from services.trainer.strategies.lora_recipe import LoraRecipe
from services.trainer.strategies.strategy import LONGEST_PROMPT_TOKENS


def test_a_language_model_reads_prompts_as_long_as_it_was_trained_on_and_a_linear_one_any() -> None:
    assert LoraRecipe().longest_prompt_tokens == LONGEST_PROMPT_TOKENS
    assert LoraRecipe(longest_prompt=777).longest_prompt_tokens == 777
    assert LinearRecipe(longest_prompt=777).longest_prompt_tokens is None


def test_the_limit_is_a_setting_of_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINER_LONGEST_PROMPT_TOKENS", raising=False)
    assert Settings().longest_prompt_tokens == LONGEST_PROMPT_TOKENS
    monkeypatch.setenv("TRAINER_LONGEST_PROMPT_TOKENS", "777")
    assert Settings().longest_prompt_tokens == 777
