"""The linear model's files and its reasons."""

import json
from pathlib import Path

import numpy as np
import pytest

from shared.models.backend import ModelUnusable
from shared.models.backends.linear import LinearBackend
from shared.models.backends.linear_model import LinearModel, vectorizer
from shared.tasks.task import Prompt

LABELS = ("APPROVED", "DENIED")


def _model() -> LinearModel:
    """Knows two words: `limited` speaks for APPROVED, `cosmetic` for DENIED."""
    coefficients = np.zeros((2, 2**10), np.float32)
    for row, word in enumerate(("limited", "cosmetic")):
        coefficients[row, vectorizer(2**10).transform([word]).indices[0]] = 5.0
    return LinearModel(LABELS, coefficients, np.zeros(2, np.float32))


def test_words_decide_and_are_named(tmp_path: Path) -> None:
    _model().save(tmp_path)
    backend = LinearBackend()
    backend.load("v1.0", tmp_path)
    prompt = Prompt("Decide.", "Note: severely limited, nothing else.")
    scores = backend.score("v1.0", [prompt], LABELS)[0].log_probabilities
    assert scores["APPROVED"] > scores["DENIED"]
    assert backend.explain("v1.0", prompt, "APPROVED") == "Speaks for APPROVED: 'limited'."
    assert backend.explain("v1.0", prompt, "DENIED") == "Nothing in the case speaks for DENIED."


def test_a_code_with_a_dot_is_one_word() -> None:
    assert "m54.16" in vectorizer().build_analyzer()("for M54.16, 10 USD")


def test_labels_in_another_order_are_the_same_labels(tmp_path: Path) -> None:
    _model().save(tmp_path)
    backend = LinearBackend()
    backend.load("v1.0", tmp_path)
    prompts = [Prompt("", "cosmetic")]
    one = backend.score("v1.0", prompts, LABELS)[0].log_probabilities
    assert backend.score("v1.0", prompts, LABELS[::-1])[0].log_probabilities == one
    with pytest.raises(ModelUnusable, match="PENDING"):
        backend.score("v1.0", prompts, ("APPROVED", "PENDING"))


def test_its_files_hold_no_code(tmp_path: Path) -> None:
    _model().save(tmp_path)
    np.savez(tmp_path / "linear.npz", coefficients=np.array([{}], object), intercepts=np.zeros(2))
    with pytest.raises(ModelUnusable, match="no readable"):
        LinearModel.load(tmp_path)


@pytest.mark.parametrize("labels", [["APPROVED"], ["APPROVED", "DENIED", "PENDING"]])
def test_numbers_that_do_not_match_the_labels_are_refused(
    tmp_path: Path, labels: list[str]
) -> None:
    _model().save(tmp_path)
    (tmp_path / "linear.json").write_text(json.dumps({"labels": labels}))
    with pytest.raises(ModelUnusable, match="shape"):
        LinearModel.load(tmp_path)


def test_coefficients_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = _model()
    model.coefficients[0, 0] = np.nan
    model.save(tmp_path)
    with pytest.raises(ModelUnusable, match="finite"):
        LinearModel.load(tmp_path)
