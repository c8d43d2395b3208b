from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.tasks.adjudication import ADJUDICATION
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.task import content_hash

CLAIM: dict[str, Any] = {
    "claim_id": "CLM-1",
    "policy_id": "CHOICE-PPO",
    "service_date": "2026-06-15",
    "diagnosis_codes": ["M54.50"],
    "procedure_codes": ["97110"],
    "billed_amount": "118.00",
}

EDIT = {"rule_id": "R-1", "kind": "limit", "outcome": "fail", "message": "used up"}


def canonical_hash(content: dict[str, Any]) -> str:
    canonical = ADJUDICATION.validate(content).model_dump(mode="json")
    return content_hash(ADJUDICATION.name, canonical)


@pytest.mark.parametrize(
    "same",
    [
        {"billed_amount": 118},
        {"billed_amount": 118.0},
        {"billed_amount": " 118.0 "},
        {"billed_amount": "1.18E2"},
        {"diagnosis_codes": ["m5450"]},
        {"procedure_codes": (" 97110 ",)},
        {"claim_id": " CLM-1 "},
        {"edits": []},
        {"clinical_note": None},
    ],
)
def test_equal_claims_have_equal_canonical_content(same: dict[str, Any]) -> None:
    assert canonical_hash(CLAIM | same) == canonical_hash(CLAIM)


@pytest.mark.parametrize(
    "other", [{"billed_amount": "118.01"}, {"diagnosis_codes": ["M54.59"]}, {"claim_id": "clm-1"}]
)
def test_other_claims_have_other_content(other: dict[str, Any]) -> None:
    assert canonical_hash(CLAIM | other) != canonical_hash(CLAIM)


@given(st.decimals(min_value="0.01", max_value=10_000_000, places=2))
def test_every_amount_survives_json(amount: Decimal) -> None:
    claim = ClaimInput.model_validate(CLAIM | {"billed_amount": amount})
    again = ClaimInput.model_validate_json(claim.model_dump_json())
    assert again == claim
    assert again.model_dump(mode="json")["billed_amount"] == f"{amount:.2f}"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("claim_id", "", "is required"),
        ("policy_id", "\u200b", "is required"),
        ("claim_id", "x" * 129, "at most 128"),
        ("policy_id", "P\x00", "control character"),
        ("policy_id", 7, "string"),
        ("provider_npi", "12345", "ten digits"),
        ("provider_npi", "12345678901", "ten digits"),
        ("service_date", "15.06.2026", "YYYY-MM-DD"),
        ("service_date", "2026-02-30", "date"),
        ("service_date", 1781481600, "YYYY-MM-DD"),
        ("diagnosis_codes", [], "at least 1"),
        ("diagnosis_codes", ["M54.50"] * 26, "at most 25"),
        ("diagnosis_codes", ["54.50"], "ICD-10-CM"),
        ("diagnosis_codes", ["M54.50123"], "ICD-10-CM"),
        ("procedure_codes", [], "at least 1"),
        ("procedure_codes", ["97110"] * 1000, "at most 999"),
        ("procedure_codes", ["9711"], "CPT or HCPCS"),
        ("billed_amount", "-1", "greater than or equal to 0"),
        ("billed_amount", "100000000", "less than or equal"),
        ("billed_amount", "1.005", "2 decimal places"),
        ("billed_amount", "NaN", "finite"),
        ("billed_amount", True, "not true or false"),
        ("billed_amount", "much", "decimal"),
        ("clinical_note", "x" * 20_001, "at most 20000"),
        ("clinical_note", "a\x00b", "control character"),
        ("edits", [{"rule_id": "R"}], "required"),
        ("edits", [EDIT] * 51, "at most 50 edits of your own"),
        ("edits", [EDIT | {"source": "somebody"}], "caseloop"),
    ],
)
def test_a_refusal_names_field_and_reason(field: str, value: Any, says: str) -> None:
    with pytest.raises(Rejected) as refused:
        ADJUDICATION.validate(CLAIM | {field: value})
    assert (refused.value.field or "").startswith(f"input.{field}")
    assert says in refused.value.reason


def test_a_refusal_does_not_repeat_a_name_that_it_does_not_know() -> None:
    with pytest.raises(Rejected, match="not permitted") as refused:
        ADJUDICATION.validate(CLAIM | {"medical_analysis": "x"})
    assert refused.value.field == "input.(unknown name)"


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(Rejected) as refused:
        ADJUDICATION.validate(CLAIM | {"diagnosis_codes": ["SECRET"]})
    assert "SECRET" not in str(refused.value)


def test_member_data_is_marked_in_the_schema() -> None:
    fields = ClaimInput.model_json_schema()["properties"]
    marked = {name for name, schema in fields.items() if schema.get("member_data")}
    assert marked == set(fields) - {"claim_id", "policy_id", "provider_npi", "billed_amount"}
