from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.tasks.adjudication.fees import Allowance, allowance
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.policy import fee_schedule, policies
from shared.tasks.adjudication.standing import complete

CLAIM: dict[str, Any] = {
    "claim_id": "CLM-1",
    "policy_id": "CHOICE-PPO",
    "service_date": "2026-06-15",
    "diagnosis_codes": ["M54.50"],
    "procedure_codes": ["97110", "97140", "97110"],
    "billed_amount": "118.00",
}


def claim_of(**changes: Any) -> ClaimInput:
    return ClaimInput.model_validate(CLAIM | changes)


def allowed(claim: ClaimInput) -> Allowance:
    found = allowance(claim, policies()[claim.policy_id])
    assert found is not None
    return found


def test_each_code_is_allowed_its_units_at_the_percent_of_the_policy() -> None:
    found = allowed(claim_of())

    assert [(line.code, line.units, line.fee, line.allowed) for line in found.lines] == [
        ("97110", 2, Decimal(31), Decimal("74.40")),
        ("97140", 1, Decimal(29), Decimal("34.80")),
    ]
    assert (found.total, found.itemize_above) == (Decimal("109.20"), Decimal("174.72"))


def test_a_code_without_a_fee_is_named_and_allowed_nothing() -> None:
    found = allowed(claim_of(procedure_codes=["97110", "00100"]))

    assert found.without_fee == ("00100",)
    assert found.lines[1].allowed == 0
    assert found.total == Decimal("37.20")


def test_before_its_first_fee_rule_a_policy_allows_nothing() -> None:
    claim = claim_of(service_date="2022-12-31")

    assert allowance(claim, policies()[claim.policy_id]) is None


codes = st.sampled_from([c for v in fee_schedule().categories.values() for c in v.fees])


@given(st.lists(codes, min_size=1, max_size=20), st.sampled_from(sorted(policies())))
def test_the_lines_make_the_total_that_the_edit_says(billed: list[str], policy_id: str) -> None:
    claim = complete(claim_of(procedure_codes=billed, policy_id=policy_id, billed_amount="0.01"))
    found = allowed(claim)

    assert sum(line.allowed for line in found.lines) == found.total
    assert sum(line.units for line in found.lines) == len(billed)
    [edit] = [edit for edit in claim.edits if edit.kind == "fee_schedule"]
    assert edit.message == f"allowed {found.total}"
