"""What the service asks of a job: one candidate against one champion, and what the gate demands."""

from dataclasses import dataclass
from pathlib import Path

from shared.events import ServedModel, TrainedModel
from shared.events.base import Frozen


@dataclass(frozen=True)
class GateSettings:
    """`margin` in accuracy; `tolerated_error` of what is accepted without a human."""

    margin: float
    minimum_effective_cases: float
    tolerated_error: float
    resamples: int


class EvaluationRequest(Frozen):
    """The champion keeps the threshold that it serves with."""

    model: TrainedModel
    champion: ServedModel | None
    gate: GateSettings
    model_cache: Path
    device: str
