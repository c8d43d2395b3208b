"""Who may decide a case: the model or a human.

A case is accepted only if every condition holds. An adverse label can never be accepted, nor a
case whose checks did not all run and pass, nor a further attempt: `Accept` itself refuses to hold
them.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.acceptance import obstacle_to
from shared.clock import lies_ahead
from shared.errors import Rejected
from shared.events import (
    Case,
    PredictionMade,
    RolloutChanged,
    RouteReason,
    Score,
)
from shared.models.served import is_of
from shared.sampling import DrawKey
from shared.tasks import get_task
from shared.tasks.task import Task


@dataclass(frozen=True)
class RoutingSettings:
    """The filter's own limits; a version's threshold comes with its rollout."""

    audit_rate: float
    key: DrawKey
    amount_limit: Decimal = Decimal(10_000)  # US dollars


@dataclass(frozen=True)
class Accept:
    """The model's answer stands. `inclusion_probability`: how likely it was to be audited."""

    answer: Score
    case: Case
    inclusion_probability: float
    reason: RouteReason = "confident"

    def __post_init__(self) -> None:
        if get_task(self.case.task).is_adverse(self.answer.label):
            raise ValueError(f"{self.answer.label} is adverse: only a human may decide it")
        if self.case.standing != "passed":
            raise ValueError(f"the case is {self.case.standing}: only a human may decide it")
        if self.case.is_further_attempt:
            raise ValueError("the case is a further attempt: only a human may decide it")


@dataclass(frozen=True)
class Review:
    """A human decides. `inclusion_probability`: how likely a case like this is reviewed."""

    reason: RouteReason
    inclusion_probability: float = 1.0


Route = Accept | Review


def knows_newer_rollout(prediction: PredictionMade, rollout: RolloutChanged | None) -> bool:
    """Whether the rollout has changed without our knowing: perhaps it was stopped."""
    return prediction.rollout_revision > (rollout.revision if rollout else 0)


def route_prediction(
    prediction: PredictionMade,
    rollout: RolloutChanged | None,
    settings: RoutingSettings,
    *,
    now: datetime,
) -> Route:
    """The route of a case; `Rejected` if the prediction contradicts its task."""
    case = prediction.case
    task = get_task(case.task)
    if only_people := _only_for_people(case, settings, now=now):
        return Review(only_people)
    if rollout is not None and rollout.stopped:
        return Review("stopped")
    answer = prediction.answer
    if answer is None:
        return Review("unscored" if prediction.failed_versions else "no_champion")
    served = rollout.served(answer.version) if rollout else None
    if served is None or knows_newer_rollout(prediction, rollout):
        return Review("stale_version")
    if answer.prompt_version != task.prompt_version:
        return Review("prompt_mismatch")
    _refuse_other_labels(answer, task)
    if not is_of(answer, served.model):
        return Review("stale_version")
    if obstacle := obstacle_to(answer, case=case, threshold=served.threshold):
        return Review(obstacle)
    if settings.key.draw("audit", case.case_id) < settings.audit_rate:
        return Review("audit", settings.audit_rate)
    return Accept(answer, case, settings.audit_rate)


def _refuse_other_labels(answer: Score, task: Task) -> None:
    for field in ("probabilities", "log_probabilities"):
        if set(getattr(answer, field)) != set(task.label_names):
            raise Rejected("are not the task's labels", field=f"scores.{field}")


def _only_for_people(case: Case, settings: RoutingSettings, *, now: datetime) -> RouteReason | None:
    """Why no model may decide the case, whatever it answers. One that says that it comes in later
    than now was checked by a day that has not come."""
    if case.is_further_attempt:
        return "repeated"
    amount = case.amount_at_stake
    if amount is not None and amount > settings.amount_limit:
        return "amount"
    return "unchecked" if lies_ahead(case.submitted_at, now=now) else None
