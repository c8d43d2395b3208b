"""A tiny base model and a tiny task that it can learn: one word decides."""

import json
from pathlib import Path
from random import Random

import pytest

from tests.support.models.tiny_fixtures import one_thread, tiny_base

__all__ = ["one_thread", "tiny_base"]

REASONS = {"APPROVED": "Edits pass.", "DENIED": "Not then."}


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tiny-data")
    random = Random(0)
    for split, count in (("train", 48), ("validation", 40), ("calibration", 40)):
        lines = [_line(f"{split}-{n}", random) for n in range(count)]
        (directory / f"{split}.jsonl").write_text("\n".join(lines))
    return directory


def _line(case_id: str, random: Random) -> str:
    label = random.choice(["APPROVED", "DENIED"])
    note = " ".join(random.choices(["a", "the", "claim"], k=random.randint(1, 6)))
    edits = "all pass" if label == "APPROVED" else "reason"
    contents = {
        "system": "Decide the claim.",
        "user": f"{note}. Edits: {edits}.",
        "assistant": f"{label}\n{REASONS[label]}",
    }
    messages = [{"role": role, "content": text} for role, text in contents.items()]
    return json.dumps({"case_id": case_id, "label": label, "messages": messages})
