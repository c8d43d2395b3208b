"""A version answers held-out cases as it would live ones; some it does not read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.evaluator.scoring import Scorer
from shared.events import TrainedModel
from shared.storage.datasets import Example, Message
from tests.support.builders.events import trained
from tests.support.models.tiny_adapters import save_tiny_adapter
from tests.support.models.tiny_base_model import save_tiny_base

pytestmark = pytest.mark.slow  # loads PyTorch

LABELS = ("APPROVED", "DENIED", "PENDING")
SHORT, LONG = "Note: none.", "Note: " + "pain " * 300


@dataclass(frozen=True)
class Disk:
    """A model cache that has everything already."""

    directory: Path

    def base(self, _: str) -> Path:
        return self.directory / "base"

    def adapter(self, _: TrainedModel) -> Path:
        return self.directory / "adapter"


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    base = save_tiny_base(tmp_path / "base", positions=4096)
    save_tiny_adapter(base, tmp_path / "adapter", seed=1)
    return Disk(tmp_path)


def example(text: str) -> Example:
    return Example(
        case_id="case-1",
        group_id="g",
        label="DENIED",
        reason="no_champion",
        source="review",
        inclusion_probability=1.0,
        messages=(Message(role="system", content="Decide."), Message(role="user", content=text)),
    )


def answered(disk: Disk, texts: Sequence[str], *, longest_prompt: int) -> list[bool]:
    """Whether each text was answered."""
    scorer = Scorer(disk, "cpu", longest_prompt)  # type: ignore[arg-type]
    model = trained(backend="transformers", base_model="tiny")
    cases = [example(text) for text in texts]
    found = scorer.answers(model, cases, LABELS, on_progress=lambda done, of: None)
    assert found.probabilities.sum(axis=1) == pytest.approx(1.0)
    return [bool(one) for one in found.answered]


def test_a_case_longer_than_inference_reads_stays_unanswered(disk: Disk) -> None:
    assert answered(disk, [SHORT, LONG, SHORT], longest_prompt=500) == [True, False, True]
    assert answered(disk, [LONG], longest_prompt=500) == [False]


def test_what_was_answered_under_another_limit_does_not_count(disk: Disk) -> None:
    assert answered(disk, [SHORT, LONG], longest_prompt=3000) == [True, True]
    assert answered(disk, [SHORT, LONG], longest_prompt=500) == [True, False]
