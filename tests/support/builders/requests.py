"""Requests for review, valid unless a test says otherwise."""

from typing import Any

from shared.events import ModelAnswer, ReviewRequested, review_id_of
from tests.support.builders.events import NOW, answers, case


def model_answer(label: str = "DENIED", confidence: float = 0.62, **changes: Any) -> ModelAnswer:
    fields: dict[str, Any] = {
        "version": "adjudication-v1.0",
        "label": label,
        "confidence": confidence,
        "probabilities": answers(label, confidence),
    }
    return ModelAnswer.model_validate({**fields, **changes})


def requested(case_id: str = "case-1", **changes: Any) -> ReviewRequested:
    reason = changes.get("reason", "adverse")
    fields: dict[str, Any] = {
        "occurred_at": NOW,
        "review_id": review_id_of(case_id),
        "case": case(case_id, claim_id=f"claim-{case_id}"),
        "reason": reason,
        "inclusion_probability": 0.25,
        "routing_version": f"1/rollout.3/{reason}",
        "answer": model_answer(),
    }
    return ReviewRequested.model_validate({**fields, **changes})
