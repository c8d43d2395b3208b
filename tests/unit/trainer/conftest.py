"""A tiny base model and a tiny task that it can learn: one word decides."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import torch

from tests.support.models.tiny_base_model import save_tiny_base

REASONS = {"APPROVED": "Edits pass.", "DENIED": "Not then."}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads only get into each other's way on a model this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("tiny-base"))


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
