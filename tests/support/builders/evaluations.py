"""Evaluations for tests: a candidate, the champion it was compared with, the verdict."""

from typing import Any

from shared.events import Measures, ModelEvaluated
from tests.support.builders.events import NOW, reference, trained


def measures(version: str = "adjudication-v1.0", **changes: Any) -> Measures:
    fields = {
        "version": version,
        "accuracy": 0.9,
        "macro_f1": 0.88,
        "auto_accept_rate": 0.3,
        "auto_accept_error": 0.03,
        "expected_calibration_error": 0.04,
        "cases": 300,
        "effective_cases": 280.0,
        "milliseconds_per_case": 20.0,
    }
    return Measures.model_validate({**fields, **changes})


def evaluation(
    version: str = "adjudication-v1.1",
    champion: str | None = "adjudication-v1.0",
    verdict: str = "PASS",
    **changes: Any,
) -> ModelEvaluated:
    fields = {
        "occurred_at": NOW,
        "task": "adjudication",
        "model": trained(version),
        "champion": champion,
        "verdict": verdict,
        "reasons": (f"a reason for {verdict}",),
        "threshold": 0.9,
        "candidate_measures": measures(version),
        "champion_measures": measures(champion) if champion else None,
        "baseline_measures": measures("baseline"),
        "report_json": reference("s3://reports/adjudication/report.json"),
        "report_html": reference("s3://reports/adjudication/report.html"),
    }
    return ModelEvaluated.model_validate({**fields, **changes})
