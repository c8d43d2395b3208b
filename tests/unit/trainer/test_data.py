"""Which cases training reads, and in which order."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.data import batches, read_splits
from shared.errors import Rejected

LABELS = ("APPROVED", "DENIED")


def _line(label: str = "APPROVED", answer: str = "APPROVED\nLimited.", **more: Any) -> str:
    contents = {"system": "Decide.", "user": "Note: none", "assistant": answer}
    messages = [{"role": role, "content": text} for role, text in contents.items()]
    return json.dumps({"case_id": "c1", "label": label, "messages": messages, **more})


def test_a_conversation_becomes_prompt_label_and_reasoning(tmp_path: Path) -> None:
    lines = [_line(group_id="g"), _line("DENIED", "DENIED")]
    (tmp_path / "train.jsonl").write_text("\n".join(lines) + "\n\n")
    first, second = read_splits(tmp_path, LABELS)["train"]
    assert (first.prompt.system, first.prompt.user) == ("Decide.", "Note: none")
    assert (first.label, first.reasoning) == ("APPROVED", "Limited.")
    assert (second.label, second.reasoning) == ("DENIED", "")


def test_only_the_training_split_must_have_cases(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"no cases.*train\.jsonl"):
        read_splits(tmp_path, LABELS)
    (tmp_path / "train.jsonl").write_text(_line())
    splits = read_splits(tmp_path, LABELS)
    assert [len(splits[name]) for name in ("train", "validation", "calibration")] == [1, 0, 0]


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        _line("PENDING", "PENDING\nWhy."),
        _line("DENIED", "APPROVED\nWhy."),
        _line(answer="Why.\nAPPROVED"),
    ],
    ids=["no JSON", "unknown label", "other label", "reason first"],
)
def test_a_bad_line_is_named_without_its_content(tmp_path: Path, bad: str) -> None:
    (tmp_path / "train.jsonl").write_text(f"{_line()}\n{bad}\n")
    with pytest.raises(Rejected, match=r"train\.jsonl:2") as caught:
        read_splits(tmp_path, LABELS)
    assert "Why." not in str(caught.value)


@given(
    lengths=st.lists(st.integers(1, 300), max_size=200),
    cases=st.integers(1, 10),
    pool=st.integers(1, 10),
    seed=st.integers(0, 5),
)
def test_batches_hold_every_case_once_and_keep_their_size(
    lengths: list[int], cases: int, pool: int, seed: int
) -> None:
    found = batches(lengths, cases=cases, pool=pool, random=Random(seed))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    assert all(len(batch) <= cases for batch in found)


def test_batches_differ_by_seed_only_and_waste_little_padding() -> None:
    random = Random(0)
    lengths = [random.randint(60, 140) for _ in range(400)]

    def order(seed: str) -> list[list[int]]:
        return batches(lengths, cases=8, pool=8, random=Random(seed))

    assert order("0 1") == order("0 1")
    assert order("0 1") != order("0 2")
    padded = sum(len(b) * max(lengths[index] for index in b) for b in order("0 1"))
    assert sum(lengths) / padded > 0.9
