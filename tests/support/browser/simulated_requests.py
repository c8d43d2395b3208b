"""Reviews of simulated claims, as the confidence filter asks for them, and what came before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.simulation import SimulatedClaim, Simulation
from shared.events import (
    Case,
    DecisionMade,
    ModelAnswer,
    PredictionMade,
    ReviewRequested,
    review_id_of,
)
from shared.tasks.adjudication.input import ClaimInput
from tests.support.builders import events
from tests.support.builders.events import ADJUDICATION, answers, predicted

SIMULATION = Simulation(seed=11)


def claims(label: str | None = None, *, start: int = 0) -> Iterator[SimulatedClaim]:
    """Simulated claims without end; of one label, if it is given."""
    numbers = iter(range(start, start + 10_000))
    found = (SIMULATION.claim(number) for number in numbers)
    return (claim for claim in found if label in (None, claim.label))


def case_of(claim: ClaimInput, **changes: Any) -> Case:
    fields = {
        "case_id": f"case-{claim.claim_id}",
        "task": ADJUDICATION.name,
        "input": claim.model_dump(mode="json"),
        "group_id": ADJUDICATION.group_of(claim),
        "claim_id": claim.claim_id,
        "submitted_at": datetime.now(UTC) - timedelta(hours=3),
    }
    return events.case(**{**fields, **changes})


def asked(claim: SimulatedClaim, *, minutes: float = 20, **changes: Any) -> ReviewRequested:
    """A request that came so many minutes ago. The model says what the expert would, unsurely."""
    case = case_of(claim.input)
    reason = "low_confidence" if claim.label == "APPROVED" else "adverse"
    fields: dict[str, Any] = {
        "occurred_at": datetime.now(UTC) - timedelta(minutes=minutes),
        "review_id": review_id_of(case.case_id),
        "case": case,
        "reason": reason,
        "inclusion_probability": 1.0,
        "routing_version": f"1/rollout.3/{reason}",
        "answer": model_answer(claim),
    }
    return ReviewRequested.model_validate({**fields, **changes})


def model_answer(claim: SimulatedClaim, confidence: float = 0.74) -> ModelAnswer:
    return ModelAnswer(
        version="adjudication-v1.3",
        label=claim.label,
        confidence=confidence,
        probabilities=answers(claim.label, confidence),
        reasoning=claim.reasoning,
    )


def earlier(case: Case, *, days: int, label: str) -> tuple[PredictionMade, DecisionMade]:
    """A case of the same member that was decided so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    of_then = SIMULATION.claim(5_000 + days).input
    member = {"member_id": case.input["member_id"], "service_date": at.date().isoformat()}
    content = of_then.model_dump(mode="json") | member
    past = case_of(ClaimInput.model_validate(content), submitted_at=at)
    decision = DecisionMade(
        occurred_at=at,
        case_id=past.case_id,
        task=past.task,
        claim_id=past.claim_id,
        group_id=past.group_id,
        label=label,
        decided_by="human",
        reviewer="bo",
        route_reason="low_confidence",
        inclusion_probability=1.0,
        content_sha256=past.content_sha256,
    )
    return predicted(past.case_id, case=past, occurred_at=at), decision
