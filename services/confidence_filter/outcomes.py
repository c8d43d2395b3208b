"""What follows from a route: the event that a case leaves with."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from services.confidence_filter.routing import Accept, Review, Route
from shared.errors import Rejected
from shared.events import (
    DecisionMade,
    ModelAnswer,
    PredictionMade,
    ReviewRequested,
    Score,
    review_id_of,
)

_ROUTING_VERSION = re.compile(r"2/([^/]*)/(.+)\.(\d{1,9})/(\w+)")


@dataclass(frozen=True)
class Routing:
    """A judged case."""

    prediction: PredictionMade
    route: Route
    at: datetime
    draw_key: str  # the version of the key that draws audits

    @property
    def case_id(self) -> str:
        return self.prediction.case.case_id

    @property
    def event(self) -> DecisionMade | ReviewRequested:
        if isinstance(self.route, Accept):
            return decision(self.prediction, self.route, at=self.at)
        version = routing_version(self.prediction, self.route, draw_key=self.draw_key)
        return review_request(self.prediction, self.route, routing_version=version, at=self.at)

    def as_repeated(self) -> Self:
        """The same case, to be decided by people: its claim, or the same under another claim id,
        came before."""
        return replace(self, route=Review("repeated"))


def decision(prediction: PredictionMade, route: Accept, *, at: datetime) -> DecisionMade:
    """The decision of an accepted case. Its type refuses an adverse label."""
    case = prediction.case
    return DecisionMade(
        occurred_at=at,
        case_id=case.case_id,
        task=case.task,
        claim_id=case.claim_id,
        group_id=case.group_id,
        label=route.answer.label,
        reasoning=prediction.reasoning,
        decided_by="model",
        model_version=route.answer.version,
        confidence=route.answer.confidence,
        route_reason=route.reason,
        inclusion_probability=route.inclusion_probability,
        content_sha256=case.content_sha256,
        judged_sha256=case.judged_sha256,
    )


def review_request(
    prediction: PredictionMade, route: Review, *, routing_version: str, at: datetime
) -> ReviewRequested:
    case = prediction.case
    answer = prediction.answer
    return ReviewRequested(
        occurred_at=at,
        review_id=review_id_of(case.case_id),
        case=case,
        reason=route.reason,
        inclusion_probability=route.inclusion_probability,
        routing_version=routing_version,
        answer=_shown(answer, prediction.reasoning) if answer else None,
    )


def routing_version(prediction: PredictionMade, route: Route, *, draw_key: str) -> str:
    """What routed the case: the version of these rules and of the key that draws audits, with the
    rollout it was routed under."""
    rollout = f"{prediction.rollout_id or '-'}.{prediction.rollout_revision}"
    return f"2/{draw_key}/{rollout}/{route.reason}"


@dataclass(frozen=True)
class RoutedUnder:
    """What a routing version says."""

    draw_key: str
    rollout_id: str | None
    rollout_revision: int
    reason: str

    @classmethod
    def parse(cls, version: str) -> Self:
        """`Rejected` if other rules wrote it."""
        read = _ROUTING_VERSION.fullmatch(version)
        if read is None:
            raise Rejected("is of other rules", field="routing_version")
        key, rollout_id, revision, reason = read.groups()
        return cls(key, None if rollout_id == "-" else rollout_id, int(revision), reason)


def _shown(answer: Score, reasoning: str | None) -> ModelAnswer:
    return ModelAnswer(
        version=answer.version,
        label=answer.label,
        confidence=answer.confidence,
        probabilities=answer.probabilities,
        reasoning=reasoning,
    )
