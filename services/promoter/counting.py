"""What a prediction adds to the running stage. Each case counts once, under one stage."""

from dataclasses import dataclass

from services.promoter.guard import StageCounts
from services.promoter.state import Rollout, Version
from shared.acceptance import obstacle_to
from shared.events import PredictionMade, Stage
from shared.models.served import is_of


@dataclass(frozen=True)
class Observation:
    """One case of a stage."""

    rollout_id: str
    stage: Stage
    case_id: str
    adds: StageCounts


def observe(prediction: PredictionMade, rollout: Rollout) -> Observation | None:
    """The observation in a prediction; none if it was made in another stage or before."""
    watched, stage = rollout.watched, rollout.stage
    if watched is None or stage is None or prediction.rollout_id != rollout.rollout_id:
        return None
    if prediction.rollout_revision < rollout.stage_revision:
        return None
    adds = _adds(prediction, watched, stage)
    if adds is None:
        return None
    return Observation(rollout.rollout_id, stage, prediction.case.case_id, adds)


def _adds(prediction: PredictionMade, watched: Version, stage: Stage) -> StageCounts | None:
    """In shadow a scored case counts towards the end of the stage, later an answered one."""
    if watched.name in prediction.failed_versions:
        # A case that neither of two versions could read is at fault itself: it may be too long. In
        # full the second one is the last good version, which inference asks about such a case. A
        # first version has none beside it: its failures count, and the guard allows for those that
        # its evaluation had.
        return StageCounts(failed=1) if len(prediction.failed_versions) == 1 else None
    score = next((s for s in prediction.scores if s.version == watched.name), None)
    if score is None or not is_of(score, watched.served.model):
        return None
    obstacle = obstacle_to(score, case=prediction.case, threshold=watched.served.threshold)
    counts = stage == "shadow" or prediction.answering_version == watched.name
    return StageCounts(
        cases=int(counts),
        scored=1,
        label_mass=score.label_mass,
        accepted=int(obstacle is None),
    )
