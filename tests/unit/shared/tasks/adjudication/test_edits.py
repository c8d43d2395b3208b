from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tasks.adjudication.edits import run_edits, with_edits
from shared.tasks.adjudication.input import ClaimInput, Edit
from shared.tasks.adjudication.policy import fee_schedule, policies

CLAIM: dict[str, Any] = {
    "claim_id": "CLM-1",
    "policy_id": "CHOICE-PPO",
    "service_date": "2026-06-15",
    "diagnosis_codes": ["M54.50"],
    "procedure_codes": ["97110"],
    "billed_amount": "37.00",
}


def edits_of(**changes: Any) -> dict[str, Edit]:
    claim = with_edits(ClaimInput.model_validate(CLAIM | changes))
    assert len({edit.kind for edit in claim.edits}) == len(claim.edits)
    return {edit.kind: edit for edit in claim.edits}


def test_a_clean_claim_passes_all_edits() -> None:
    edits = edits_of()
    assert [edit.outcome for edit in edits.values()] == ["pass"] * 6
    assert edits["code_validity"].message == "M54.50 Low back pain, unspecified"


@pytest.mark.parametrize(
    ("changes", "kind", "outcome", "rule_id", "says"),
    [
        ({"diagnosis_codes": ["M54.5"]}, "code_validity", "pend", "ICD-10-CM", "more specific"),
        (
            {"diagnosis_codes": ["M54.50", "M99.999"]},
            "code_validity",
            "pend",
            "ICD-10-CM",
            "not in",
        ),
        (
            {"policy_id": "SENIOR-CARE", "procedure_codes": ["43775"]},
            "coverage",
            "fail",
            "SEN-COV-1",
            "weight loss surgery is not covered",
        ),
        ({"procedure_codes": ["15780"]}, "exclusion", "fail", "CHO-EXC-1", "cosmetic"),
        ({"diagnosis_codes": ["Z41.1"]}, "exclusion", "fail", "CHO-EXC-1", "cosmetic"),
        (
            {"policy_id": "SENIOR-CARE", "procedure_codes": ["36470"]},
            "exclusion",
            "fail",
            "SEN-EXC-2",
            "spider veins",
        ),
        ({"procedure_codes": ["27447"]}, "authorization", "pend", "CHO-AUT-2", "none on file"),
        (
            {"procedure_codes": ["27447"], "prior_authorization": "PA-1"},
            "authorization",
            "pass",
            "CHO-AUT-2",
            "on file",
        ),
        (
            {"procedure_codes": ["97110"] * 4 + ["97140"] * 2},
            "limit",
            "pass",
            "CHO-LIM-1",
            "within",
        ),
        (
            {"procedure_codes": ["97110"] * 4 + ["97140"] * 3},
            "limit",
            "fail",
            "CHO-LIM-1",
            "7 units of physical therapy, limit 6",
        ),
        ({"procedure_codes": ["00100"]}, "fee_schedule", "pend", "CHO-FEE-1", "no fee is agreed"),
        # 31.00 at 120 % is 37.20; an itemized bill is due above 160 % of that, 59.52.
        ({"billed_amount": "59.52"}, "fee_schedule", "pass", "CHO-FEE-1", "allowed 37.20"),
        ({"billed_amount": "59.53"}, "fee_schedule", "pend", "CHO-FEE-1", "itemized"),
    ],
)
def test_each_edit(
    changes: dict[str, Any], kind: str, outcome: str, rule_id: str, says: str
) -> None:
    edit = edits_of(**changes)[kind]
    assert (edit.outcome, edit.rule_id) == (outcome, rule_id)
    assert says in edit.message


def test_rules_count_by_the_day_of_service() -> None:
    heart_test = {"procedure_codes": ["93306"], "billed_amount": "200.00"}
    assert edits_of(**heart_test, service_date="2024-12-31")["authorization"].outcome == "pend"
    assert edits_of(**heart_test, service_date="2025-01-01")["authorization"].outcome == "pass"
    assert list(edits_of(service_date="2022-12-31")) == ["code_validity"]


def test_a_policy_that_we_do_not_hold_checks_codes_only() -> None:
    assert list(edits_of(policy_id="ELSEWHERE")) == ["code_validity"]


def test_an_unlisted_procedure_is_neither_covered_nor_uncovered() -> None:
    assert "coverage" not in edits_of(procedure_codes=["00100"])


def test_earlier_edits_are_replaced_not_added_to() -> None:
    claim = with_edits(ClaimInput.model_validate(CLAIM))
    assert with_edits(claim) == claim


listed = st.sampled_from([c for v in fee_schedule().categories.values() for c in v.fees])
claims = st.builds(
    ClaimInput,
    claim_id=st.just("CLM-1"),
    policy_id=st.sampled_from([*policies(), "ELSEWHERE"]),
    service_date=st.dates(),
    diagnosis_codes=st.lists(
        st.from_regex(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?", fullmatch=True),
        min_size=1,
        max_size=12,
    ),
    procedure_codes=st.lists(
        listed | st.from_regex(r"[0-9]{4}[0-9FMTU]|[A-V][0-9]{4}", fullmatch=True),
        min_size=1,
        max_size=20,
    ),
    billed_amount=st.decimals(min_value="0.01", max_value=10_000_000, places=2),
    prior_authorization=st.none() | st.just("PA-1"),
)


@given(claims)
def test_every_claim_can_be_edited(claim: ClaimInput) -> None:
    edits = run_edits(claim, policies().get(claim.policy_id))
    assert edits == run_edits(claim, policies().get(claim.policy_id))
    checked = ClaimInput.model_validate(claim.model_dump() | {"edits": edits})
    assert checked.edits == edits
    if claim.prior_authorization:
        assert not any(e.kind == "authorization" and e.outcome != "pass" for e in edits)
