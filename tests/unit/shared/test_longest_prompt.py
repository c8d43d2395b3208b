"""What inference does not read is neither trained on nor evaluated: one setting tells all three."""

import pytest

from services.evaluator.settings import Settings as Evaluator
from services.inference.settings import Settings as Inference
from services.trainer.settings import Settings as Trainer


def limits() -> set[int]:
    return {one().longest_prompt_tokens for one in (Inference, Trainer, Evaluator)}


def test_inference_trainer_and_evaluator_have_the_same_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("INFERENCE_LONGEST_PROMPT_TOKENS", raising=False)
    assert len(limits()) == 1
    monkeypatch.setenv("INFERENCE_LONGEST_PROMPT_TOKENS", "777")
    assert limits() == {777}
