"""Held-out cases and versions of known quality, for tests of statistical promises."""

import numpy as np

from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.held_out import Answers, Floats, HeldOut, Integers

LABELS = ("APPROVED", "DENIED", "PENDING")
ADVERSE = np.array([False, True, True])
PASSED = np.array("passed")  # of every case alike


def simulate_held_out(
    rng: np.random.Generator,
    cases: int,
    *,
    group_size: int = 1,
    weights: Floats | None = None,
) -> HeldOut:
    """Cases whose groups have `group_size` members."""
    return HeldOut(
        labels=LABELS,
        adverse=ADVERSE,
        truth=rng.choice(3, size=cases, p=[0.5, 0.3, 0.2]),
        weights=np.ones(cases) if weights is None else weights,
        groups=np.arange(cases) // group_size,
        standing=PASSED,
    )


def saying(held_out: HeldOut, predicted: Integers, *, confidence: float = 0.6) -> Answers:
    """A version that answers `predicted`, always with the same confidence."""
    table = np.full((len(held_out), 3), (1 - confidence) / 2)
    table[np.arange(len(held_out)), predicted] = confidence
    return Answers("adjudication-v1.1", table, np.ones(len(held_out)), 1.0)


def wrong_where(held_out: HeldOut, mistakes: np.ndarray) -> EvaluatedVersion:
    """Right except for the cases in `mistakes`; accepts nothing."""
    return EvaluatedVersion(
        saying(held_out, np.where(mistakes, (held_out.truth + 1) % 3, held_out.truth)), 1.01
    )


def sharp(
    rng: np.random.Generator, held_out: HeldOut, *, quality: float, noise: float, scale: float = 1.0
) -> Answers:
    """A version with calibrated-looking confidences: the true label's logit is raised.

    `noise` of the cases were labeled at random; `scale` above 1 makes it overconfident.
    """
    logits = rng.normal(size=(len(held_out), 3))
    noisy = rng.random(len(held_out)) < noise
    seen = np.where(noisy, rng.integers(0, 3, len(held_out)), held_out.truth)
    logits[np.arange(len(held_out)), seen] += quality
    raised = np.exp(quality * scale * logits)
    return Answers(
        "adjudication-v1.1",
        raised / raised.sum(axis=1, keepdims=True),
        np.ones(len(held_out)),
        1.0,
    )
