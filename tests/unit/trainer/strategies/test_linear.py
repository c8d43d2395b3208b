"""The linear strategy from data to a model that the backend serves."""

from pathlib import Path

import pytest

from services.trainer.data import LabeledCase
from services.trainer.progress import Progress
from services.trainer.strategies import linear
from services.trainer.strategies.strategy import TrainingInputs
from shared.models.backends.linear import LinearBackend
from shared.tasks.task import Prompt

LABELS = ("APPROVED", "DENIED", "PENDING")
WORDS = {"APPROVED": "limited", "DENIED": "cosmetic", "PENDING": "missing"}


def _cases(*labels: str, count: int = 10) -> list[LabeledCase]:
    return [
        LabeledCase(Prompt("Decide.", f"claim {n}: {WORDS[label]}"), label, "")
        for n in range(count)
        for label in labels
    ]


@pytest.mark.parametrize("seen", [LABELS, LABELS[:2], LABELS[1:], LABELS[2:]])
def test_it_learns_the_labels_that_it_has_seen_and_never_answers_another(
    tmp_path: Path, seen: tuple[str, ...]
) -> None:
    splits = {"train": _cases(*seen)}
    inputs = TrainingInputs(splits, LABELS, None, tmp_path, "cpu", Progress())
    linear.train(linear.LinearRecipe(), inputs)
    backend = LinearBackend()
    backend.load("v1.0", tmp_path)
    for label in LABELS:
        prompt = Prompt("Decide.", f"claim 99: {WORDS[label]}")
        scores = backend.score("v1.0", [prompt], LABELS)[0].log_probabilities
        answer = max(scores, key=scores.__getitem__)
        assert answer == label if label in seen else answer in seen
        assert sum(scores[other] > -10 for other in LABELS) == len(seen)
