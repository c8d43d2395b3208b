"""Labelled cases out of JSONL files, and the order in which training reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pydantic import BaseModel, Field, ValidationError

from shared.errors import Rejected
from shared.tasks.task import Prompt

SPLITS = ("train", "validation", "calibration")


class Message(BaseModel):
    role: str
    content: str


class Line(BaseModel):
    """One line of a split: a conversation that ends with the expert's answer."""

    case_id: str
    label: str
    weight: float = Field(default=1.0, gt=0)
    messages: tuple[Message, Message, Message]  # system, user, assistant


@dataclass(frozen=True)
class LabelledCase:
    prompt: Prompt
    label: str
    reasoning: str
    weight: float


def read_splits(directory: Path, labels: Sequence[str]) -> dict[str, list[LabelledCase]]:
    """All three splits; only `train` must have cases. `Rejected` names file and line."""
    splits = {name: _read(directory / f"{name}.jsonl", labels) for name in SPLITS}
    if not splits["train"]:
        raise Rejected(f"there are no cases in {directory / 'train.jsonl'}")
    return splits


def _read(path: Path, labels: Sequence[str]) -> list[LabelledCase]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [
            _case(line, labels, where=f"{path.name}:{number}")
            for number, line in enumerate(file, start=1)
            if line.strip()
        ]


def _case(text: str, labels: Sequence[str], *, where: str) -> LabelledCase:
    try:
        line = Line.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Rejected(first["msg"], field=f"{where} {field}".rstrip()) from None
    system, user, assistant = (message.content for message in line.messages)
    answer, _, reasoning = assistant.partition("\n")
    if line.label not in labels or answer != line.label:
        raise Rejected(
            f"the answer must begin with its label, one of {', '.join(labels)}", field=where
        )
    return LabelledCase(Prompt(system, user), line.label, reasoning.strip(), line.weight)


def batches(lengths: Sequence[int], *, cases: int, pool: int, random: Random) -> list[list[int]]:
    """Indices of one epoch's cases in batches of similar length, shuffled.

    Cases are shuffled, sorted by length within pools of `pool` batches, and cut. Sorting everything
    would save a little more padding, but length says something about the label, and batches of
    one label teach badly.
    """
    order = list(range(len(lengths)))
    random.shuffle(order)
    found: list[list[int]] = []
    for start in range(0, len(order), cases * pool):
        by_length = sorted(order[start : start + cases * pool], key=lambda index: lengths[index])
        found.extend(by_length[at : at + cases] for at in range(0, len(by_length), cases))
    random.shuffle(found)
    return found
