"""Inputs for the documentation: one claim of each outcome."""

from collections.abc import Mapping
from typing import Any

EXAMPLES: tuple[Mapping[str, Any], ...] = (
    {
        "claim_id": "CLM-2026-0000123",
        "member_id": "M-0004711",
        "policy_id": "CHOICE-PPO",
        "provider_npi": "9000000017",
        "service_date": "2026-06-15",
        "diagnosis_codes": ["M54.16"],
        "procedure_codes": ["97110", "97110", "97140"],
        "billed_amount": "118.00",
        "clinical_note": "Leg pain on the right for two months. Exercises at home for six weeks "
        "brought no relief, lifting is limited.",
        "edits": [
            {
                "rule_id": "ICD-10-CM",
                "kind": "code_validity",
                "outcome": "pass",
                "message": "M54.16 Radiculopathy, lumbar region",
            },
            {
                "rule_id": "CHO-COV-1",
                "kind": "coverage",
                "outcome": "pass",
                "message": "physical therapy is covered",
            },
        ],
    },
    {
        "claim_id": "CLM-2026-0000124",
        "policy_id": "ESSENTIAL-HMO",
        "service_date": "2026-06-16",
        "diagnosis_codes": ["Z41.1"],
        "procedure_codes": ["15780"],
        "billed_amount": "790.00",
        "edits": [
            {
                "rule_id": "ESS-EXC-1",
                "kind": "exclusion",
                "outcome": "fail",
                "message": "cosmetic service is excluded",
            }
        ],
    },
    {
        "claim_id": "CLM-2026-0000125",
        "policy_id": "SENIOR-CARE",
        "service_date": "2026-06-17",
        "diagnosis_codes": ["H25.13"],
        "procedure_codes": ["66984"],
        "billed_amount": "498.00",
        "clinical_note": "Vision has become worse. The result of the eye test was not attached.",
    },
)
