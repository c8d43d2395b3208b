"""When a model's answer may stand without a human: the one rule, for one answer or arrays of them.

The filter decides by it, the promoter counts by it and the evaluator measures by it; none of them
repeats a condition. An adverse answer never stands.
"""

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Literal, overload

from shared.events import Score
from shared.tasks import get_task

if TYPE_CHECKING:  # the filter and the promoter run without numpy
    import numpy as np
    from numpy.typing import NDArray

# The raw probability of all labels together; below it the model has said something else.
MINIMUM_LABEL_MASS = 0.5

Obstacle = Literal["label_mass", "adverse", "low_confidence"]


@overload
def may_stand(*, adverse: bool, confidence: float, label_mass: float, threshold: float) -> bool: ...
@overload
def may_stand(
    *,
    adverse: "NDArray[np.bool_]",
    confidence: "NDArray[np.float64]",
    label_mass: "NDArray[np.float64]",
    threshold: float,
) -> "NDArray[np.bool_]": ...
def may_stand(*, adverse: Any, confidence: Any, label_mass: Any, threshold: float) -> Any:
    """Whether an answer may stand; of arrays, which of the answers may."""
    conditions = _conditions(adverse, confidence, label_mass, threshold)
    return reduce(and_, conditions.values())


def obstacle_to(score: Score, *, task: str, threshold: float) -> Obstacle | None:
    """Why this answer may not stand, the first reason that holds; None if it may."""
    adverse = get_task(task).is_adverse(score.label)
    conditions = _conditions(adverse, score.confidence, score.label_mass, threshold)
    return next((name for name, holds in conditions.items() if not holds), None)


def _conditions(
    adverse: Any, confidence: Any, label_mass: Any, threshold: float
) -> dict[Obstacle, Any]:
    """What must hold, under the name of what stands in the way where it does not."""
    return {
        "label_mass": label_mass >= MINIMUM_LABEL_MASS,
        "adverse": adverse ^ True,  # negates truth values and arrays; `~True` would be -2
        "low_confidence": confidence >= threshold,
    }
