"""The events that services exchange. Topics are listed in `shared/messaging/topics.py`."""

from shared.events.base import ArtifactRef, Event
from shared.events.cases import (
    Arm,
    Case,
    CaseSubmitted,
    DecisionCorrected,
    DecisionMade,
    PredictionMade,
    RouteReason,
    Score,
)
from shared.events.models import (
    DatasetReleased,
    Measures,
    ModelEvaluated,
    ModelTrained,
    RolloutChanged,
    ServedModel,
    Split,
    Stage,
    TrainedModel,
    TrainingProgressed,
    Verdict,
)
from shared.events.reviews import (
    Criterion,
    ModelAnswer,
    Opinion,
    ReviewCompleted,
    ReviewRequested,
    review_id_of,
)

__all__ = [
    "Arm",
    "ArtifactRef",
    "Case",
    "CaseSubmitted",
    "Criterion",
    "DatasetReleased",
    "DecisionCorrected",
    "DecisionMade",
    "Event",
    "Measures",
    "ModelAnswer",
    "ModelEvaluated",
    "ModelTrained",
    "Opinion",
    "PredictionMade",
    "ReviewCompleted",
    "ReviewRequested",
    "RolloutChanged",
    "RouteReason",
    "Score",
    "ServedModel",
    "Split",
    "Stage",
    "TrainedModel",
    "TrainingProgressed",
    "Verdict",
    "review_id_of",
]
