"""When a model's answer may stand without a human: the one rule, for one answer or arrays of them.

The filter decides by it, the promoter counts by it and the evaluator measures by it; none of them
repeats a condition. An adverse answer never stands, nor does any on a case that was not checked
or whose checks left something open.
"""

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Literal, overload

from shared.events import Case, Score
from shared.tasks import get_task
from shared.tasks.task import Standing

if TYPE_CHECKING:  # the filter and the promoter run without numpy
    import numpy as np
    from numpy.typing import NDArray

# The raw probability of all labels together; below it the model has said something else.
MINIMUM_LABEL_MASS = 0.5

Obstacle = Literal["unchecked", "label_mass", "adverse", "open_edit", "low_confidence"]


@overload
def may_stand(
    *, standing: Standing, adverse: bool, confidence: float, label_mass: float, threshold: float
) -> bool: ...
@overload
def may_stand(
    *,
    standing: "NDArray[np.str_]",
    adverse: "NDArray[np.bool_]",
    confidence: "NDArray[np.float64]",
    label_mass: "NDArray[np.float64]",
    threshold: float,
) -> "NDArray[np.bool_]": ...
def may_stand(
    *, standing: Any, adverse: Any, confidence: Any, label_mass: Any, threshold: float
) -> Any:
    """Whether an answer may stand; of arrays, which of the answers may."""
    conditions = _conditions(standing, adverse, confidence, label_mass, threshold)
    return reduce(and_, conditions.values())


def obstacle_to(score: Score, *, case: Case, threshold: float) -> Obstacle | None:
    """Why this answer to the case may not stand, the first reason that holds; None if it may."""
    adverse = get_task(case.task).is_adverse(score.label)
    conditions = _conditions(case.standing, adverse, score.confidence, score.label_mass, threshold)
    return next((name for name, holds in conditions.items() if not holds), None)


def _conditions(
    standing: Any, adverse: Any, confidence: Any, label_mass: Any, threshold: float
) -> dict[Obstacle, Any]:
    """What must hold, under the name of what stands in the way where it does not."""
    return {
        "unchecked": standing != "unchecked",
        "label_mass": label_mass >= MINIMUM_LABEL_MASS,
        "adverse": adverse ^ True,  # negates truth values and arrays; `~True` would be -2
        "open_edit": standing != "open",
        "low_confidence": confidence >= threshold,
    }
