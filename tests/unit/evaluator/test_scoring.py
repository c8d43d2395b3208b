"""A version answers held-out cases as it would live ones; some it does not read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.evaluator.scoring import Scorer
from shared.events import ArtifactRef, TrainedModel
from shared.models.pool import ModelPool
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


def scorer_on(disk: Disk) -> Scorer:
    """As after a start: nothing is in memory."""
    return Scorer(ModelPool(disk, "cpu"))  # type: ignore[arg-type]


def ignore(done: int, of: int) -> None:
    """Nobody looks at how far it is."""


def example(text: str) -> Example:
    return Example(
        case_id="case-1",
        group_id="g",
        label="DENIED",
        reason="no_champion",
        source="review",
        standing="passed",
        inclusion_probability=1.0,
        messages=(Message(role="system", content="Decide."), Message(role="user", content=text)),
    )


def version(longest_prompt_tokens: int | None) -> TrainedModel:
    """Of each limit there is one version, with its own manifest."""
    number = longest_prompt_tokens or 0
    manifest = ArtifactRef(uri="s3://models/x/manifest.json", sha256=f"{number:064}", size_bytes=1)
    return trained(
        f"adjudication-v1.{number}",
        backend="transformers",
        base_model="tiny",
        manifest=manifest,
        longest_prompt_tokens=longest_prompt_tokens,
    )


def answered(scorer: Scorer, model: TrainedModel, texts: Sequence[str]) -> list[bool]:
    """Whether each text was answered."""
    cases = [example(text) for text in texts]
    answers = scorer.answers(model, cases, LABELS, on_progress=ignore)
    assert answers.probabilities.sum(axis=1) == pytest.approx(1.0)
    return [bool(one) for one in answers.answered]


def test_a_case_longer_than_the_version_reads_stays_unanswered(disk: Disk) -> None:
    scorer, model = scorer_on(disk), version(500)

    assert answered(scorer, model, [SHORT, LONG, SHORT]) == [True, False, True]
    assert answered(scorer, model, [LONG]) == [False]


def test_versions_on_one_base_model_have_a_limit_each(disk: Disk) -> None:
    scorer = scorer_on(disk)
    for limit, answers in ((3000, [True, True]), (500, [True, False]), (None, [True, True])):
        assert answered(scorer, version(limit), [SHORT, LONG]) == answers
        assert answered(scorer_on(disk), version(limit), [SHORT, LONG]) == answers


def test_what_was_answered_once_is_not_asked_again(disk: Disk) -> None:
    model = version(3000)
    first = scorer_on(disk).answers(model, [example(SHORT)], LABELS, on_progress=ignore)
    (disk.directory / "adapter" / "adapter_model.safetensors").unlink()
    again = scorer_on(disk).answers(model, [example(SHORT)], LABELS, on_progress=ignore)

    assert (again.probabilities == first.probabilities).all()
