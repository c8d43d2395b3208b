"""Labeled cases out of JSONL files, and the order in which training reads them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pydantic import BaseModel, ValidationError

from shared.errors import Rejected, first_failure
from shared.storage.datasets import TRAINING_SPLITS, Message
from shared.tasks.task import Prompt


class ExampleLine(BaseModel):
    """What training reads of an example: a conversation that ends with the expert's answer."""

    case_id: str
    label: str
    messages: tuple[Message, Message, Message]  # system, user, assistant


@dataclass(frozen=True)
class LabeledCase:
    prompt: Prompt
    label: str
    reasoning: str


Splits = Mapping[str, Sequence[LabeledCase]]


def read_splits(directory: Path, labels: Sequence[str]) -> Splits:
    """All three splits; only `train` must have cases. `Rejected` names file and line."""
    splits: Splits = {name: _read(directory / f"{name}.jsonl", labels) for name in TRAINING_SPLITS}
    if not splits["train"]:
        raise Rejected(f"there are no cases in {directory / 'train.jsonl'}")
    return splits


def leave_out(splits: Splits, too_long: Callable[[LabeledCase], bool]) -> tuple[Splits, int]:
    """The splits without what no model is asked, and how many cases that is.

    `Rejected` if nothing is left to train on.
    """
    kept = {name: [case for case in cases if not too_long(case)] for name, cases in splits.items()}
    if not kept["train"]:
        raise Rejected("every case of the split train is longer than a model reads")
    return kept, sum(map(len, splits.values())) - sum(map(len, kept.values()))


def _read(path: Path, labels: Sequence[str]) -> list[LabeledCase]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [
            _case(line, labels, where=f"{path.name}:{number}")
            for number, line in enumerate(file, start=1)
            if line.strip()
        ]


def _case(text: str, labels: Sequence[str], *, where: str) -> LabeledCase:
    try:
        line = ExampleLine.model_validate_json(text)
    except ValidationError as error:
        field, reason = first_failure(error, case=ExampleLine)
        raise Rejected(reason, field=f"{where} {field}".rstrip()) from None
    system, user, assistant = (message.content for message in line.messages)
    answer, _, reasoning = assistant.partition("\n")
    if line.label not in labels or answer != line.label:
        raise Rejected(
            f"the answer must begin with its label, one of {', '.join(labels)}", field=where
        )
    return LabeledCase(Prompt(system, user), line.label, reasoning.strip())


def batches(lengths: Sequence[int], *, cases: int, pool: int, random: Random) -> list[list[int]]:
    """Indices of one epoch's cases in batches of similar length, shuffled.

    Cases are shuffled, sorted by length within pools of `pool` batches, and cut. Sorting everything
    would save a little more padding, but length says something about the label, and batches of
    one label teach badly.
    """
    order = list(range(len(lengths)))
    random.shuffle(order)
    epoch: list[list[int]] = []
    for start in range(0, len(order), cases * pool):
        by_length = sorted(order[start : start + cases * pool], key=lambda index: lengths[index])
        epoch.extend(by_length[at : at + cases] for at in range(0, len(by_length), cases))
    random.shuffle(epoch)
    return epoch
