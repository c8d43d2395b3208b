"""Events for tests, valid unless a test says otherwise."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.events import (
    ArtifactRef,
    Case,
    CaseSubmitted,
    DecisionMade,
    PredictionMade,
    RolloutChanged,
    Score,
    ServedModel,
    TrainedModel,
)
from shared.tasks import TASKS
from shared.tasks.task import Standing, content_hash
from tests.support import draw_key

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CAME_IN = datetime(2026, 6, 18, 9, 0, tzinfo=UTC)  # the claims of the examples, after the service
ADJUDICATION = TASKS["adjudication"]
KEY = draw_key.KEY


def claim_input(**changes: Any) -> dict[str, Any]:
    """The content of an adjudication case, as `Case` carries it."""
    example = {**ADJUDICATION.examples[0], **changes}
    return ADJUDICATION.validate(example).model_dump(mode="json")


def submitted(case_id: str = "case-1", **changes: Any) -> CaseSubmitted:
    fields = {"occurred_at": CAME_IN, "case_id": case_id, "task": "adjudication"}
    return CaseSubmitted.model_validate(
        {**fields, "input": claim_input(**_ids(case_id)), **changes}
    )


def _ids(case_id: str) -> dict[str, str]:
    """Each case is a claim of a member of its own."""
    return {"claim_id": f"CLM-{case_id}", "member_id": f"M-{case_id}"}


def case(case_id: str = "case-1", **changes: Any) -> Case:
    fields = {
        "case_id": case_id,
        "task": "adjudication",
        "input": claim_input(**_ids(case_id)),
        "group_id": f"group-{case_id}",
        "submitted_at": CAME_IN,
    }
    fields |= changes
    given = {name: value for name, value in fields.items() if name != "submitted_at"}
    return Case.model_validate({"content_sha256": content_hash("adjudication", given), **fields})


def standing_case(standing: Standing, case_id: str = "case-1") -> Case:
    """A case whose checks left that of it."""
    failed = {**claim_input()["edits"][0], "outcome": "fail"}
    changes: dict[Standing, dict[str, Any]] = {
        "passed": {},
        "open": {"edits": [failed]},
        "unchecked": {"policy_id": "NOT-HELD"},
    }
    return case(case_id, input=claim_input(**_ids(case_id), **changes[standing]))


def reference(uri: str = "s3://models/x/manifest.json") -> ArtifactRef:
    return ArtifactRef(uri=uri, sha256="0" * 64, size_bytes=1)


def trained(version: str = "adjudication-v1.0", **changes: Any) -> TrainedModel:
    fields = {
        "version": version,
        "task": "adjudication",
        "strategy": "linear",
        "backend": "scikit-learn",
        "quantization": "none",
        "base_model": None,
        "prompt_version": ADJUDICATION.prompt_version,
        "temperature": 1.0,
        "longest_prompt_tokens": None,
        "manifest": reference(f"s3://models/adjudication/{version}-00000000/manifest.json"),
        "dataset_version": "adjudication-d1",
        "dataset_manifest": reference("s3://datasets/adjudication/d1/manifest.json"),
    }
    return TrainedModel.model_validate({**fields, **changes})


def served(version: str = "adjudication-v1.0", *, threshold: float = 0.9) -> ServedModel:
    return ServedModel(model=trained(version), threshold=threshold)


def rollout(**changes: Any) -> RolloutChanged:
    fields: dict[str, Any] = {
        "occurred_at": NOW,
        "task": "adjudication",
        "rollout_id": "adjudication-r1",
        "revision": 1,
        "champion": served(),
        "changed_by": "test",
        "why": "test",
    }
    return RolloutChanged.model_validate({**fields, **changes})


def score(
    probabilities: Mapping[str, float],
    *,
    version: str = "adjudication-v1.0",
    label_mass: float = 0.95,
    arm: str = "champion",
) -> Score:
    return Score.model_validate(
        {
            "version": version,
            "arm": arm,
            "log_probabilities": {
                name: math.log(max(p, 1e-300)) + math.log(max(label_mass, 1e-300))
                for name, p in probabilities.items()
            },
            "label_mass": label_mass,
            "temperature": 1.0,
            "probabilities": probabilities,
            "adapter_sha256": "0" * 64,
            "prompt_version": ADJUDICATION.prompt_version,
            "backend": "scikit-learn",
            "quantization": "none",
            "latency_ms": 1.0,
        }
    )


def answers(label: str, confidence: float) -> dict[str, float]:
    """Probabilities in which `label` leads with `confidence`."""
    others = [name for name in ADJUDICATION.label_names if name != label]
    rest = (1.0 - confidence) / len(others)
    return {label: confidence, **dict.fromkeys(others, rest)}


def predicted(
    case_id: str = "case-1",
    *,
    label: str = "APPROVED",
    confidence: float = 0.99,
    label_mass: float = 0.95,
    version: str = "adjudication-v1.0",
    **changes: Any,
) -> PredictionMade:
    found = score(answers(label, confidence), version=version, label_mass=label_mass)
    fields: dict[str, Any] = {
        "occurred_at": NOW,
        "case": case(case_id),
        "scores": (found,),
        "answering_version": version,
        "arm": "champion",
        "rollout_id": "adjudication-r1",
        "rollout_revision": 1,
    }
    return PredictionMade.model_validate({**fields, **changes})


def decision(case_id: str = "case-1", **changes: Any) -> DecisionMade:
    """A model's approval."""
    fields = {
        "occurred_at": NOW,
        "case_id": case_id,
        "task": "adjudication",
        "claim_id": None,
        "group_id": "group",
        "label": "APPROVED",
        "decided_by": "model",
        "route_reason": "confident",
        "inclusion_probability": 1.0,
        "content_sha256": "0" * 64,
    }
    return DecisionMade.model_validate({**fields, **changes})
