"""A live claim is put to the model as an imported one was, and belongs to the same group."""

from services.inference.intake import accept
from shared.tasks import TASKS
from tests.support.builders import claim_input, submitted

ADJUDICATION = TASKS["adjudication"]
ROW = {
    "claim_id": "CLM-2026-0000123",
    "member_id": "M-0004711",
    "policy_id": "CHOICE-PPO",
    "diagnosis_codes": "M54.16",
    "procedure_codes": "97110",
    "claim_amount": "118.00",
    "service_date": "2026-06-15",
    "clinical_note": "Leg pain on the right for two months.",
    "medical_analysis": "",
    "adjudication_decision": "supported",
    "final_decision": "APPROVED",
}


def test_a_claim_without_edits_reads_like_the_same_claim_in_the_history() -> None:
    past = ADJUDICATION.read_history(ROW).input.model_dump(mode="json")
    assert past["edits"]

    live = accept(submitted(input={**past, "edits": []}))

    assert live.input == past
    assert ADJUDICATION.prompt(live.input) == ADJUDICATION.prompt(past)
    assert live.group_id == ADJUDICATION.group_of(ADJUDICATION.validate(past))


def test_the_edits_of_a_claims_system_stay() -> None:
    edit = {"rule_id": "R-1", "kind": "limit", "outcome": "fail", "message": "limit used up"}

    found = accept(submitted(input=claim_input(edits=[edit])))

    assert found.input["edits"] == [edit]


def test_nobody_chooses_his_group() -> None:
    """One member under two groups would be on both sides of a split."""
    found = accept(submitted(group_id="household-7", input=claim_input(member_id="M-1")))

    assert found.group_id == "member:M-1"
