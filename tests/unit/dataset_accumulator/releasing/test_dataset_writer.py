"""What a version writes, and what it carries forward from the version before it."""

from pathlib import Path
from typing import Any, get_args

import pytest

from services.dataset_accumulator.releasing.dataset_writer import DatasetWriter, example_of
from services.dataset_accumulator.releasing.waiting_labels import WaitingLabel
from shared.errors import Rejected
from shared.storage.datasets import SPLITS, DatasetManifest, Example, Tombstone
from shared.tasks.task import Standing
from tests.support.builders.events import ADJUDICATION, NOW, claim_input, standing_case


def label(case_id: str = "case-1", **changes: Any) -> WaitingLabel:
    fields: dict[str, Any] = {
        "case_id": case_id,
        "group_id": "group-1",
        "split": "train",
        "revision": 0,
        "label": "DENIED",
        "reasoning": "Not supported.",
        "reason": "audit",
        "source": "review",
        "inclusion_probability": 0.05,
        "input": claim_input(),
        "in_part": False,
        "released_label": None,
        "released_revision": None,
        "withheld": None,
        "import_id": None,
    }
    return WaitingLabel(**{**fields, **changes})


def manifest(**changes: Any) -> DatasetManifest:
    fields = {
        "dataset_version": "adjudication-d1",
        "task": "adjudication",
        "number": 1,
        "trigger": "labels:1",
        "created_at": NOW,
        "labels": ADJUDICATION.label_names,
        "prompt_version": ADJUDICATION.prompt_version,
        "shards": {},
        "counts": {split: {"APPROVED": 5, "DENIED": 3, "PENDING": 2} for split in SPLITS},
        "reasons": {"audit": 4, "import": 46},
    }
    return DatasetManifest.model_validate({**fields, **changes})


def test_an_example_is_the_prompt_and_the_answer_label_first() -> None:
    prompt = ADJUDICATION.prompt(claim_input())

    written = example_of(ADJUDICATION, label(), revision=0)

    assert [(m.role, m.content) for m in written.messages] == [
        ("system", prompt.system),
        ("user", prompt.user),
        ("assistant", "DENIED\nNot supported."),
    ]
    assert (written.label, written.reason, written.inclusion_probability) == (
        "DENIED",
        "audit",
        0.05,
    )


def test_a_line_says_what_the_checks_left_of_its_case() -> None:
    for standing in get_args(Standing):
        found = example_of(ADJUDICATION, label(input=standing_case(standing).input), revision=0)
        assert found.standing == standing


def test_a_line_of_before_the_checks_were_recorded_is_unchecked() -> None:
    line = example_of(ADJUDICATION, label(), revision=0).model_dump()
    del line["standing"]
    assert Example.model_validate(line).standing == "unchecked"


def test_a_label_that_its_task_no_longer_reads_is_named() -> None:
    with pytest.raises(Rejected, match=r"label of a case cannot be written: input\.\w+: "):
        example_of(ADJUDICATION, label("case-7", input={"claim_id": "CLM-1"}), revision=0)


def test_labels_are_written_to_their_splits_in_order(tmp_path: Path) -> None:
    writer = DatasetWriter(ADJUDICATION, None, tmp_path)

    writer.add([label("case-1"), label("case-2", split="test")], {})
    writer.add([label("case-3", label="APPROVED")], {})

    lines = (tmp_path / "train.jsonl").read_text().splitlines()
    assert [Example.model_validate_json(line).case_id for line in lines] == ["case-1", "case-3"]
    assert writer.counts["train"] == {"APPROVED": 1, "DENIED": 1, "PENDING": 0}
    assert writer.counts["test"] == {"APPROVED": 0, "DENIED": 1, "PENDING": 0}
    assert writer.reasons == {"audit": 3}
    assert dict(writer.written) == {"train": 2, "test": 1}


def test_counts_go_on_from_the_version_before(tmp_path: Path) -> None:
    base = manifest()
    writer = DatasetWriter(ADJUDICATION, base, tmp_path)

    writer.add([label()], {})

    assert writer.counts["train"] == {"APPROVED": 5, "DENIED": 4, "PENDING": 2}
    assert writer.counts["test"] == base.counts["test"]
    assert writer.reasons == {"audit": 5, "import": 46}
    assert base.counts["train"]["DENIED"] == 3


def test_a_corrected_label_moves_its_count_and_leaves_one_tombstone(tmp_path: Path) -> None:
    earlier = Tombstone(case_id="case-1", revision=1)
    writer = DatasetWriter(ADJUDICATION, manifest(tombstones=(earlier,)), tmp_path)

    writer.add([label(revision=2, released_label="APPROVED", released_revision=1)], {})

    assert writer.counts["train"] == {"APPROVED": 4, "DENIED": 4, "PENDING": 2}
    assert writer.reasons == {"audit": 4, "import": 46}
    assert list(writer.tombstones.values()) == [Tombstone(case_id="case-1", revision=2)]
