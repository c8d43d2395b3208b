"""What a version has answered before. Versions never change, so each is asked a case once.

One file per version: a comparison that is killed resumes where it was, and the champion of the next
one answers only the cases that are new. Lines are only appended; a torn one is answered again.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.models.backend import LabelScores
from shared.tasks.task import Prompt


@dataclass(frozen=True)
class CachedScore:
    """The scores of one case, and how long they took in milliseconds."""

    scores: LabelScores
    milliseconds: float


class ScoreCache:
    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> dict[str, CachedScore]:
        """By `key_of` the case."""
        if not self.file.exists():
            return {}
        return dict(filter(None, map(_read, self.file.read_bytes().splitlines())))

    def add(self, scores: Mapping[str, CachedScore]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        lines = (
            json.dumps([key, each.scores.log_probabilities, each.milliseconds])
            for key, each in scores.items()
        )
        with self.file.open("a") as file:
            file.write("\n" + "\n".join(lines))  # a torn line before stays a line of its own


def key_of(prompt: Prompt, labels: Sequence[str]) -> str:
    """Equal for what a model cannot tell apart."""
    return hashlib.sha256(json.dumps([prompt.system, prompt.user, *labels]).encode()).hexdigest()


def _read(line: bytes) -> tuple[str, CachedScore] | None:
    try:
        key, log_probabilities, milliseconds = json.loads(line)
    except ValueError:
        return None
    return key, CachedScore(LabelScores(log_probabilities), milliseconds)
