"""What the service asks of a job: one candidate against one champion, and what the gate demands."""

from dataclasses import dataclass
from pathlib import Path

from shared.events import ServedModel, TrainedModel
from shared.events.base import Frozen


@dataclass(frozen=True)
class GateSettings:
    """What a candidate must show, and how precisely."""

    margin: float  # in accuracy and macro-F1: a loss up to it passes
    minimum_effective_cases: float  # with fewer nothing is said
    tolerated_error: float  # share of what is accepted without a human that may be wrong
    unanswered_share: float  # of the cases that it may leave unread
    resamples: int  # of the bootstrap


class EvaluationRequest(Frozen):
    """The champion keeps the threshold that it serves with."""

    model: TrainedModel
    champion: ServedModel | None
    gate: GateSettings
    model_cache: Path
    device: str
