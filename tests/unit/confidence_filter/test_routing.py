"""Only a confident, known, non-adverse answer may stand; everything else goes to a human."""

import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.confidence_filter.outcomes import decision, review_request
from services.confidence_filter.routing import (
    Accept,
    Review,
    Route,
    RoutingSettings,
    route_prediction,
)
from shared.clock import CLOCK_SKEW
from shared.errors import Rejected
from shared.events import Case, DecisionMade, PredictionMade, Score
from shared.events.base import LEAST_INCLUSION
from shared.models.backend import LabelScores
from shared.models.calibration import probabilities
from shared.models.served import is_of
from shared.tasks import TASKS
from shared.tasks.task import Standing, Task
from tests.support.builders.events import (
    ADJUDICATION,
    CAME_IN,
    KEY,
    NOW,
    answers,
    case,
    claim_input,
    predicted,
    rollout,
    score,
    served,
    standing_case,
    trained,
)

NO_AUDIT = RoutingSettings(audit_rate=LEAST_INCLUSION, key=KEY)
AUDITED = RoutingSettings(audit_rate=0.05, key=KEY)
UNREAD = predicted(scores=(), answering_version=None, failed_versions=("adjudication-v1.0",))
NOBODY = rollout(champion=None, revision=2)  # the first version was rolled back
OF_ANOTHER_PROMPT = score(answers("APPROVED", 0.99)).model_copy(
    update={"prompt_version": "adjudication-1"}
)


def billed(amount: str) -> Case:
    """Ten services that the policy pays with up to 12,600 dollars."""
    return case(input=claim_input(procedure_codes=["36475"] * 10, billed_amount=amount))


def test_a_confident_approval_is_accepted() -> None:
    route = route_prediction(predicted(), rollout(), NO_AUDIT, now=CAME_IN)

    assert isinstance(route, Accept)
    assert route.answer.label == "APPROVED"
    assert route.inclusion_probability == NO_AUDIT.audit_rate


@pytest.mark.parametrize(
    ("prediction", "state", "reason"),
    [
        (predicted(label="DENIED"), rollout(), "adverse"),
        (predicted(label="PENDING"), rollout(), "adverse"),
        (predicted(confidence=0.8), rollout(), "low_confidence"),
        (predicted(label_mass=0.4), rollout(), "label_mass"),
        (predicted(), rollout(stopped=True), "stopped"),
        (predicted(), None, "stale_version"),
        (predicted(), rollout(champion=served("adjudication-v1.1")), "stale_version"),
        (predicted(scores=(), answering_version=None), rollout(), "no_champion"),
        (predicted(scores=(), answering_version=None), None, "no_champion"),
        (predicted(scores=(), answering_version=None), NOBODY, "no_champion"),
        (predicted(), NOBODY, "stale_version"),
        (UNREAD, rollout(), "unscored"),
        (predicted(), rollout(champion=served(threshold=1.01)), "low_confidence"),
        (predicted(rollout_revision=2), rollout(), "stale_version"),
        (predicted(rollout_revision=2), rollout(stopped=True), "stopped"),
        (predicted(scores=(OF_ANOTHER_PROMPT,)), rollout(), "prompt_mismatch"),
        (predicted(case=standing_case("unchecked")), rollout(), "unchecked"),
        (predicted(case=standing_case("open")), rollout(), "open_edit"),
        (predicted(case=case(attempt=2)), rollout(), "repeated"),
        (predicted(case=case(supersedes_case_id="case-0")), rollout(), "repeated"),
        (predicted(case=billed("10000.01")), rollout(), "amount"),
        (predicted(case=billed("9999999.00")), None, "amount"),
    ],
)
def test_everything_else_goes_to_a_human(
    prediction: PredictionMade, state: object, reason: str
) -> None:
    route = route_prediction(prediction, state, NO_AUDIT, now=CAME_IN)  # type: ignore[arg-type]
    assert route == Review(reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ahead", "reason"),
    [(CLOCK_SKEW, "confident"), (CLOCK_SKEW + timedelta(seconds=1), "unchecked")],
)
def test_a_case_of_a_day_that_has_not_come_goes_to_a_human(ahead: timedelta, reason: str) -> None:
    """Its service was checked by that day. Clocks differ a little."""
    coming = predicted(case=case(submitted_at=CAME_IN + ahead))
    assert route_prediction(coming, rollout(), NO_AUDIT, now=CAME_IN).reason == reason


def test_up_to_the_limit_an_amount_may_be_approved() -> None:
    billed_amount = case().amount_at_stake
    assert billed_amount is not None
    at_limit = replace(NO_AUDIT, amount_limit=billed_amount)
    above = replace(NO_AUDIT, amount_limit=billed_amount - Decimal("0.01"))
    assert isinstance(route_prediction(predicted(), rollout(), at_limit, now=CAME_IN), Accept)
    assert route_prediction(predicted(), rollout(), above, now=CAME_IN) == Review("amount")


@pytest.mark.parametrize("changes", [{"attempt": 2}, {"supersedes_case_id": "case-0"}])
def test_the_type_refuses_to_accept_a_further_attempt(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="further attempt"):
        Accept(score({"APPROVED": 0.99}), case(**changes), 0.05)


def test_the_candidates_answer_is_judged_by_its_own_threshold() -> None:
    prediction = predicted(confidence=0.8, version="adjudication-v1.1", arm="candidate")
    state = rollout(
        candidate=served("adjudication-v1.1", threshold=0.7), stage="canary", share=0.25
    )

    assert isinstance(route_prediction(prediction, state, NO_AUDIT, now=CAME_IN), Accept)


def test_the_audit_draws_its_share_and_the_same_cases_again() -> None:
    def routes_of_all() -> list[Route]:
        cases = (predicted(f"case-{number}") for number in range(4000))
        return [route_prediction(each, rollout(), AUDITED, now=CAME_IN) for each in cases]

    routes, again = routes_of_all(), routes_of_all()
    drawn = [route for route in routes if route == Review("audit", 0.05)]

    assert routes == again
    # A binomial of 4,000 draws at 5 %: four standard deviations are 55.
    assert abs(len(drawn) - 200) < 55


@pytest.mark.parametrize(
    "forged",
    [
        {"adapter_sha256": "1" * 64},
        {"temperature": 1.0001},
        {"quantization": "nf4"},
        {"backend": "transformers"},
        {"probabilities": answers("APPROVED", 0.995)},
        {"probabilities": {"APPROVED": 1.0, "DENIED": 1.0, "PENDING": 1.0}},
        {"label_mass": 0.96},
        {"log_probabilities": {"APPROVED": 0.5, "DENIED": -9.0, "PENDING": -9.0}},
        {"log_probabilities": dict.fromkeys(ADJUDICATION.label_names, float("nan"))},
        {"log_probabilities": dict.fromkeys(ADJUDICATION.label_names, float("-inf"))},
        {"log_probabilities": dict.fromkeys(ADJUDICATION.label_names, float("inf"))},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_a_score_that_is_not_of_the_version_served_decides_nothing(
    forged: dict[str, Any],
) -> None:
    said = score(answers("APPROVED", 0.99)).model_copy(update=forged)
    route = route_prediction(predicted(scores=(said,)), rollout(), NO_AUDIT, now=CAME_IN)
    assert route == Review("stale_version")


@given(st.lists(st.floats(-700.0, 0.0), min_size=3, max_size=3), st.floats(0.25, 8.0))
def test_every_score_that_a_model_makes_is_of_its_version(
    raw: list[float], temperature: float
) -> None:
    total = math.log(sum(math.exp(value) for value in raw))
    log_probabilities = {
        name: value - max(total, 0.0)
        for name, value in zip(ADJUDICATION.label_names, raw, strict=True)
    }
    found = LabelScores(log_probabilities)
    said = score(probabilities(log_probabilities, temperature)).model_copy(
        update={
            "log_probabilities": log_probabilities,
            "temperature": temperature,
            "label_mass": found.label_mass,
        }
    )
    sent = Score.model_validate_json(said.model_dump_json())
    assert is_of(sent, trained(temperature=temperature))
    assert not is_of(sent, trained(temperature=temperature + 0.5))  # though its numbers follow


def test_labels_of_another_task_are_refused() -> None:
    prediction = predicted(scores=(score({"YES": 0.9, "NO": 0.1}),))

    with pytest.raises(Rejected, match="not the task's labels"):
        route_prediction(prediction, rollout(), NO_AUDIT, now=CAME_IN)


@given(
    standing=st.sampled_from(get_args(Standing)),
    label=st.sampled_from(ADJUDICATION.label_names),
    confidence=st.floats(0.34, 1.0),
    label_mass=st.floats(0.0, 1.0),
    threshold=st.floats(0.0, 1.1),
    case_id=st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True),
    audit_rate=st.floats(LEAST_INCLUSION, 1.0),
)
def test_no_model_decides_against_the_member_or_on_what_was_not_checked(
    standing: Standing,
    label: str,
    confidence: float,
    label_mass: float,
    threshold: float,
    case_id: str,
    audit_rate: float,
) -> None:
    prediction = predicted(
        label=label,
        confidence=confidence,
        label_mass=label_mass,
        case=standing_case(standing, case_id),
    )
    state = rollout(champion=served(threshold=threshold))
    route = route_prediction(prediction, state, RoutingSettings(audit_rate, KEY), now=CAME_IN)

    if isinstance(route, Accept):
        event = decision(prediction, route, at=NOW)
        assert not ADJUDICATION.is_adverse(event.label)
        assert not event.adverse
        assert route.answer.confidence >= threshold
        assert label_mass >= 0.5
        assert standing == "passed"
    else:
        event_out = review_request(prediction, route, routing_version="test", at=NOW)
        assert 0 < event_out.inclusion_probability <= 1


@pytest.mark.parametrize("standing", ["open", "unchecked"])
def test_the_type_refuses_to_accept_what_did_not_pass_its_checks(standing: Standing) -> None:
    with pytest.raises(ValueError, match=standing):
        Accept(score({"APPROVED": 0.99}), standing_case(standing), 0.05)


@pytest.mark.parametrize(
    ("task", "label"),
    [(task, label.name) for task in TASKS.values() for label in task.labels if label.adverse],
    ids=lambda value: value.name if isinstance(value, Task) else value,
)
def test_the_types_refuse_an_adverse_acceptance(task: Task, label: str) -> None:
    with pytest.raises(ValueError, match="adverse"):
        Accept(score({label: 0.99}), case(task=task.name, input=dict(task.examples[0])), 0.05)
    with pytest.raises(ValidationError, match="adverse"):
        DecisionMade(
            occurred_at=NOW,
            case_id="case-1",
            task=task.name,
            claim_id=None,
            group_id="g",
            label=label,
            decided_by="model",
            route_reason="confident",
            inclusion_probability=0.05,
            content_sha256=case().content_sha256,
        )
