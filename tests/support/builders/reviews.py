"""Settled reviews and corrections for tests, valid unless a test says otherwise."""

from typing import Any

from shared.events import DecisionCorrected, Opinion, ReviewCompleted, review_id_of
from tests.support.builders.events import NOW, case, claim_input


def completed(
    case_id: str = "case-1", *, label: str = "APPROVED", **changes: Any
) -> ReviewCompleted:
    opinion = Opinion(
        reviewer="amara", label="APPROVED", reasoning="supported", decided_at=NOW, dwell_seconds=1.0
    )
    fields: dict[str, Any] = {
        "occurred_at": NOW,
        "review_id": review_id_of(case_id),
        "case": case(case_id, input=claim_input(clinical_note=f"Leg pain, as in {case_id}.")),
        "label": label,
        "reasoning": "The note supports it.",
        "opinions": (opinion,),
        "reason": "low_confidence",
        "inclusion_probability": 1.0,
        "routing_version": "test",
        "model_visible": True,
    }
    return ReviewCompleted.model_validate({**fields, **changes})


def corrected(
    case_id: str = "case-1", *, label: str = "DENIED", revision: int = 1, **changes: Any
) -> DecisionCorrected:
    fields: dict[str, Any] = {
        "occurred_at": NOW,
        "case_id": case_id,
        "task": "adjudication",
        "label": label,
        "revision": revision,
        "supersedes_revision": revision - 1,
        "reasoning": f"Corrected for the {revision}. time.",
        "corrected_by": "lead",
        "why": "second look",
    }
    return DecisionCorrected.model_validate({**fields, **changes})
