"""One rule for one answer and for arrays of them; filter, promoter and evaluator keep to it."""

from dataclasses import dataclass
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.confidence_filter.routing import Accept, RoutingSettings, route_prediction
from services.evaluator.measures.held_out import Answers, HeldOut
from services.promoter.counting import observe
from services.promoter.state import Rollout, Version
from shared.acceptance import MINIMUM_LABEL_MASS, may_stand, obstacle_to
from shared.events import PredictionMade
from shared.events.base import LEAST_INCLUSION
from shared.tasks.task import Standing
from tests.support.builders.events import (
    ADJUDICATION,
    CAME_IN,
    KEY,
    answers,
    predicted,
    rollout,
    score,
    served,
    standing_case,
)

THRESHOLD = 0.9
BELOW = 1e-9
NO_AUDIT = RoutingSettings(audit_rate=LEAST_INCLUSION, key=KEY)

# What the checks left of the case, label, confidence, label mass, and what stands in the way; each
# row but the first differs from it in one thing.
ANSWERS: list[tuple[Standing, str, float, float, str | None]] = [
    ("passed", "APPROVED", THRESHOLD, MINIMUM_LABEL_MASS, None),
    ("passed", "APPROVED", THRESHOLD - BELOW, MINIMUM_LABEL_MASS, "low_confidence"),
    ("passed", "APPROVED", THRESHOLD, MINIMUM_LABEL_MASS - BELOW, "label_mass"),
    ("passed", "DENIED", THRESHOLD, MINIMUM_LABEL_MASS, "adverse"),
    ("passed", "PENDING", THRESHOLD, MINIMUM_LABEL_MASS, "adverse"),
    ("open", "APPROVED", THRESHOLD, MINIMUM_LABEL_MASS, "open_edit"),
    ("unchecked", "APPROVED", THRESHOLD, MINIMUM_LABEL_MASS, "unchecked"),
]


@pytest.mark.parametrize(("standing", "label", "confidence", "label_mass", "obstacle"), ANSWERS)
def test_each_condition_alone_keeps_an_answer_from_standing(
    standing: Standing, label: str, confidence: float, label_mass: float, obstacle: str | None
) -> None:
    said = score(answers(label, confidence), label_mass=label_mass)
    assert obstacle_to(said, case=standing_case(standing), threshold=THRESHOLD) == obstacle
    stands = may_stand(
        standing=standing,
        adverse=ADJUDICATION.is_adverse(label),
        confidence=confidence,
        label_mass=label_mass,
        threshold=THRESHOLD,
    )
    assert stands is (obstacle is None)


def test_an_array_is_judged_answer_by_answer() -> None:
    stands = may_stand(
        standing=np.array([standing for standing, *_ in ANSWERS]),
        adverse=np.array([ADJUDICATION.is_adverse(label) for _, label, *_ in ANSWERS]),
        confidence=np.array([confidence for _, _, confidence, _, _ in ANSWERS]),
        label_mass=np.array([label_mass for _, _, _, label_mass, _ in ANSWERS]),
        threshold=THRESHOLD,
    )
    assert stands.dtype == np.bool_
    assert stands.tolist() == [obstacle is None for *_, obstacle in ANSWERS]


def test_of_several_obstacles_the_one_that_says_most_is_named() -> None:
    def obstacle(standing: Standing, label: str, label_mass: float) -> str | None:
        said = score(answers(label, 0.4), label_mass=label_mass)
        return obstacle_to(said, case=standing_case(standing), threshold=THRESHOLD)

    assert obstacle("unchecked", "DENIED", 0.1) == "unchecked"
    assert obstacle("open", "DENIED", 0.1) == "label_mass"
    assert obstacle("open", "DENIED", 0.9) == "adverse"
    assert obstacle("open", "APPROVED", 0.9) == "open_edit"


@dataclass(frozen=True)
class Answered:
    """One answer to one case, as each part that asks about it is given it."""

    standing: Standing
    label: str
    confidence: float
    label_mass: float
    threshold: float

    @property
    def prediction(self) -> PredictionMade:
        said = predicted(label=self.label, confidence=self.confidence, label_mass=self.label_mass)
        return said.model_copy(update={"case": standing_case(self.standing)})


def filter_accepts(answered: Answered) -> bool:
    state = rollout(champion=served(threshold=answered.threshold))
    return isinstance(route_prediction(answered.prediction, state, NO_AUDIT, now=CAME_IN), Accept)


def promoter_counts(answered: Answered) -> bool:
    watched = Version(served(threshold=answered.threshold), against=None, accept_rate=0.5)
    state = Rollout("adjudication", champion=watched, stage="full", watching=True)
    prediction = answered.prediction.model_copy(update={"rollout_id": state.rollout_id})
    observation = observe(prediction, state)
    assert observation is not None
    return observation.adds.accepted == 1


def evaluator_measures(answered: Answered) -> bool:
    labels = ADJUDICATION.label_names
    held = HeldOut(
        labels=labels,
        adverse=np.array([ADJUDICATION.is_adverse(name) for name in labels]),
        truth=np.array([0]),
        weights=np.array([1.0]),
        groups=np.array([0]),
        standing=np.array([answered.standing]),
    )
    said = Answers.of(
        "v",
        [answers(answered.label, answered.confidence)],
        labels=labels,
        label_mass=[answered.label_mass],
        milliseconds_per_case=0.0,
    )
    return bool(said.accepted(held, answered.threshold)[0])


@given(
    st.builds(
        Answered,
        standing=st.sampled_from(get_args(Standing)),
        label=st.sampled_from(ADJUDICATION.label_names),
        confidence=st.sampled_from([0.5, THRESHOLD - BELOW, THRESHOLD, 1.0]) | st.floats(0.34, 1.0),
        label_mass=st.sampled_from([0.0, MINIMUM_LABEL_MASS - BELOW, MINIMUM_LABEL_MASS, 1.0])
        | st.floats(0.0, 1.0),
        threshold=st.sampled_from([0.0, THRESHOLD, 1.01]) | st.floats(0.0, 1.1),
    )
)
def test_filter_promoter_and_evaluator_accept_the_same_answers(answered: Answered) -> None:
    by_the_rule = may_stand(
        standing=answered.standing,
        adverse=ADJUDICATION.is_adverse(answered.label),
        confidence=answered.confidence,
        label_mass=answered.label_mass,
        threshold=answered.threshold,
    )
    assert not by_the_rule or answered.standing == "passed"
    for accepts in (filter_accepts, promoter_counts, evaluator_measures):
        assert accepts(answered) == by_the_rule, accepts.__name__
