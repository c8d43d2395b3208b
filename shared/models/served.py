"""Whether a score is what a served version says: its arithmetic, and numbers that follow from it.

Pure Python: services without a model use it too.
"""

import math

from shared.events import Score, TrainedModel
from shared.models.calibration import probabilities

_TOLERANCE = 1e-6  # of floating-point arithmetic on two machines
_CERTAIN = 1e-3  # a log-probability is not above 0, but for the rounding of a model's arithmetic


def is_of(score: Score, model: TrainedModel) -> bool:
    """Whether the score was made with this model's files, in its arithmetic and calibration, and
    its probabilities and label mass follow from its log-probabilities."""
    said = (score.adapter_sha256, score.temperature, score.backend, score.quantization)
    served = (model.manifest.sha256, model.temperature, model.backend, model.quantization)
    return said == served and _follows(score)


def _follows(score: Score) -> bool:
    raw = score.log_probabilities
    # What is no number is not below anything.
    if not raw or not all(value <= _CERTAIN for value in raw.values()):
        return False
    if raw.keys() != score.probabilities.keys() or max(raw.values()) == -math.inf:
        return False
    expected = probabilities(raw, score.temperature)
    mass = sum(math.exp(value) for value in raw.values())
    return _near(mass, score.label_mass) and all(
        _near(expected[label], score.probabilities[label]) for label in expected
    )


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _TOLERANCE  # false of what is no number
