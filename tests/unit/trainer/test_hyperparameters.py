"""What a version says of itself is what it was trained with."""

import pytest

from services.trainer.hyperparameters import LONGEST_PROMPT_TOKENS, Recipe
from services.trainer.settings import Settings


def test_a_language_model_reads_prompts_as_long_as_it_was_trained_on_and_a_linear_one_any() -> None:
    assert Recipe().longest_prompt_tokens == LONGEST_PROMPT_TOKENS
    assert Recipe(longest_prompt=777).longest_prompt_tokens == 777
    assert Recipe(strategy="linear", longest_prompt=777).longest_prompt_tokens is None


def test_the_limit_is_a_setting_of_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINER_LONGEST_PROMPT_TOKENS", raising=False)
    assert Settings().longest_prompt_tokens == LONGEST_PROMPT_TOKENS
    monkeypatch.setenv("TRAINER_LONGEST_PROMPT_TOKENS", "777")
    assert Settings().longest_prompt_tokens == 777
