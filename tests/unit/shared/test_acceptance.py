"""One rule for one answer and for arrays of them; filter, promoter and evaluator keep to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.confidence_filter.routing import Accept, RoutingSettings, route_prediction
from services.evaluator.measures.held_out import Answers, HeldOut
from services.promoter.counting import observe
from services.promoter.state import Rollout, Version
from shared.acceptance import MINIMUM_LABEL_MASS, may_stand, obstacle_to
from tests.support.builders.events import (
    ADJUDICATION,
    answers,
    predicted,
    rollout,
    score,
    served,
)

THRESHOLD = 0.9
BELOW = 1e-9
NO_AUDIT = RoutingSettings(audit_rate=1e-12, audit_salt="s")

# label, confidence, label mass, and what stands in the way; each row but the first differs
# from it in one thing.
ANSWERS = [
    ("APPROVED", THRESHOLD, MINIMUM_LABEL_MASS, None),
    ("APPROVED", THRESHOLD - BELOW, MINIMUM_LABEL_MASS, "low_confidence"),
    ("APPROVED", THRESHOLD, MINIMUM_LABEL_MASS - BELOW, "label_mass"),
    ("DENIED", THRESHOLD, MINIMUM_LABEL_MASS, "adverse"),
    ("PENDING", THRESHOLD, MINIMUM_LABEL_MASS, "adverse"),
]


@pytest.mark.parametrize(("label", "confidence", "label_mass", "obstacle"), ANSWERS)
def test_each_condition_alone_keeps_an_answer_from_standing(
    label: str, confidence: float, label_mass: float, obstacle: str | None
) -> None:
    said = score(answers(label, confidence), label_mass=label_mass)
    assert obstacle_to(said, task="adjudication", threshold=THRESHOLD) == obstacle
    stands = may_stand(
        adverse=ADJUDICATION.is_adverse(label),
        confidence=confidence,
        label_mass=label_mass,
        threshold=THRESHOLD,
    )
    assert stands is (obstacle is None)


def test_an_array_is_judged_answer_by_answer() -> None:
    stands = may_stand(
        adverse=np.array([ADJUDICATION.is_adverse(label) for label, *_ in ANSWERS]),
        confidence=np.array([confidence for _, confidence, _, _ in ANSWERS]),
        label_mass=np.array([label_mass for _, _, label_mass, _ in ANSWERS]),
        threshold=THRESHOLD,
    )
    assert stands.dtype == np.bool_
    assert stands.tolist() == [obstacle is None for *_, obstacle in ANSWERS]


def test_of_several_obstacles_the_one_that_says_most_is_named() -> None:
    unreadable = score(answers("DENIED", 0.4), label_mass=0.1)
    assert obstacle_to(unreadable, task="adjudication", threshold=THRESHOLD) == "label_mass"
    unsure = score(answers("DENIED", 0.4))
    assert obstacle_to(unsure, task="adjudication", threshold=THRESHOLD) == "adverse"


def filter_accepts(label: str, confidence: float, *, label_mass: float, threshold: float) -> bool:
    prediction = predicted(label=label, confidence=confidence, label_mass=label_mass)
    state = rollout(champion=served(threshold=threshold))
    return isinstance(route_prediction(prediction, state, NO_AUDIT), Accept)


def promoter_counts(label: str, confidence: float, *, label_mass: float, threshold: float) -> bool:
    watched = Version(served(threshold=threshold), against=None, accept_rate=0.5)
    state = Rollout("adjudication", champion=watched, stage="full", watching=True)
    prediction = predicted(label=label, confidence=confidence, label_mass=label_mass).model_copy(
        update={"rollout_id": state.rollout_id}
    )
    observation = observe(prediction, state)
    assert observation is not None
    return observation.adds.accepted == 1


def evaluator_measures(
    label: str, confidence: float, *, label_mass: float, threshold: float
) -> bool:
    labels = ADJUDICATION.label_names
    held = HeldOut(
        labels=labels,
        adverse=np.array([ADJUDICATION.is_adverse(name) for name in labels]),
        truth=np.array([0]),
        weights=np.array([1.0]),
        groups=np.array([0]),
    )
    said = Answers.of(
        "v",
        [answers(label, confidence)],
        labels=labels,
        label_mass=[label_mass],
        milliseconds_per_case=0.0,
    )
    return bool(said.accepted(held, threshold)[0])


@given(
    label=st.sampled_from(ADJUDICATION.label_names),
    confidence=st.sampled_from([0.5, THRESHOLD - BELOW, THRESHOLD, 1.0]) | st.floats(0.34, 1.0),
    label_mass=st.sampled_from([0.0, MINIMUM_LABEL_MASS - BELOW, MINIMUM_LABEL_MASS, 1.0])
    | st.floats(0.0, 1.0),
    threshold=st.sampled_from([0.0, THRESHOLD, 1.01]) | st.floats(0.0, 1.1),
)
def test_filter_promoter_and_evaluator_accept_the_same_answers(
    label: str, confidence: float, label_mass: float, threshold: float
) -> None:
    by_the_rule = may_stand(
        adverse=ADJUDICATION.is_adverse(label),
        confidence=confidence,
        label_mass=label_mass,
        threshold=threshold,
    )
    for accepts in (filter_accepts, promoter_counts, evaluator_measures):
        said = accepts(label, confidence, label_mass=label_mass, threshold=threshold)
        assert said == by_the_rule, accepts.__name__
