"""Which version answers a case: a keyed hash of its group, so that it can be replayed."""

from dataclasses import dataclass

from shared.events import Arm, RolloutChanged
from shared.sampling import DrawKey


@dataclass(frozen=True)
class ArmAssignment:
    """The arm that a case's group belongs to, and how likely that was."""

    arm: Arm
    probability: float


def assign_arm(group_id: str, rollout: RolloutChanged, key: DrawKey) -> ArmAssignment:
    """In canary the candidate answers its share of the groups; otherwise the champion all."""
    if rollout.candidate is None or rollout.stage != "canary" or rollout.share <= 0.0:
        return ArmAssignment("champion", 1.0)
    if key.draw("arm", rollout.rollout_id, group_id) < rollout.share:
        return ArmAssignment("candidate", rollout.share)
    return ArmAssignment("champion", 1.0 - rollout.share)
