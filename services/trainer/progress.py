"""What a training run says while it runs: JSON lines, of which the last may be its failure."""

import json
import sys
from typing import Any, TextIO

RECIPE = "recipe.json"
METRICS = "metrics.json"  # written last: where it lies, the training is done


class TrainingFailed(Exception):
    """The run cannot continue. `reason` is a word for programs, `detail` a sentence for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Progress:
    """Writes where the run stands; phases are `training`, `validating`, `calibrating`, `done`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout

    def say(self, phase: str, **measures: Any) -> None:
        print(json.dumps({**measures, "phase": phase}), file=self.stream, flush=True)

    def failed(self, failure: TrainingFailed) -> None:
        line = {"failed": failure.reason, "detail": failure.detail}
        print(json.dumps(line), file=self.stream, flush=True)
