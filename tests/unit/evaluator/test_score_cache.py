from pathlib import Path

from services.evaluator.score_cache import CachedScore, ScoreCache, key_of
from shared.models.backend import LabelScores
from shared.tasks.task import Prompt

ONE = CachedScore(LabelScores({"APPROVED": -0.1, "DENIED": -2.5}), 12.5)
OTHER = CachedScore(LabelScores({"APPROVED": -3.0, "DENIED": -0.2}), 7.0)


def test_what_was_answered_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "versions" / "v1.jsonl"
    assert ScoreCache(file).read() == {}

    ScoreCache(file).add({"a": ONE})
    ScoreCache(file).add({"b": OTHER})

    assert ScoreCache(file).read() == {"a": ONE, "b": OTHER}


def test_a_line_torn_by_a_kill_costs_that_case_alone(tmp_path: Path) -> None:
    file = tmp_path / "v1.jsonl"
    ScoreCache(file).add({"a": ONE, "b": OTHER})
    file.write_bytes(file.read_bytes()[:-9])

    assert ScoreCache(file).read() == {"a": ONE}
    ScoreCache(file).add({"b": OTHER})
    assert ScoreCache(file).read() == {"a": ONE, "b": OTHER}


def test_a_key_stands_for_what_the_model_reads() -> None:
    prompt, labels = Prompt("Decide.", "A claim."), ("APPROVED", "DENIED")

    assert key_of(prompt, labels) == key_of(Prompt("Decide.", "A claim."), labels)
    others = [
        key_of(Prompt("Decide.A", " claim."), labels),
        key_of(prompt, ("DENIED", "APPROVED")),
        key_of(prompt, labels[:1]),
    ]
    assert key_of(prompt, labels) not in others
