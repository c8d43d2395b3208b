"""Inputs for the documentation: one denied service."""

from collections.abc import Mapping
from typing import Any

EXAMPLES: tuple[Mapping[str, Any], ...] = (
    {
        "reference_id": "MN12-15014",
        "report_year": 2012,
        "diagnosis_category": "Orthopedic/ Musculoskeletal",
        "diagnosis_sub_category": "Back Pain",
        "treatment_category": "Rehabilitation Services - Outpatient",
        "treatment_sub_category": "Physical Therapy",
        "review_type": "Medical Necessity",
        "age_range": "41-50",
        "patient_gender": "Female",
    },
)
