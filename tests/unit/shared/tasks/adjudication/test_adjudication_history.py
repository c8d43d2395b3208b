import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.errors import Rejected
from shared.events.base import Identifier
from shared.tasks.adjudication import ADJUDICATION
from shared.tasks.adjudication.history import read_history
from shared.tasks.adjudication.input import ClaimInput, group_of
from shared.tasks.adjudication.standing import complete
from tests.support.builders.histories import TODAY

ROW = {
    "claim_id": "CLM-1",
    "policy_id": "CHOICE-PPO",
    "diagnosis_codes": "M54.50;M54.2",
    "procedure_codes": "97110;97110",
    "claim_amount": "74.40",
    "service_date": "2026-06-15",
    "medical_analysis": "The chart shows six weeks of exercises.",
    "adjudication_decision": "Exercises failed.",
    "final_decision": "APPROVED",
}


def claim_of(row: dict[str, str]) -> ClaimInput:
    claim = read_history(row).input
    assert isinstance(claim, ClaimInput)
    return claim


def test_a_row_becomes_a_case() -> None:
    case = read_history(ROW)
    assert (case.label, case.reasoning) == ("APPROVED", "Exercises failed.")
    assert case.evidence == {"medical_analysis": "The chart shows six weeks of exercises."}
    claim = claim_of(ROW)
    assert claim.diagnosis_codes == ("M54.50", "M54.2")
    assert str(claim.billed_amount) == "74.40"
    assert [edit.outcome for edit in complete(claim).edits] == ["pass"] * 6


@pytest.mark.parametrize(
    "codes", ["M54.50|M54.2", "M54.50,M54.2", " m5450 ; M54.2; ", "M54.50 M54.2"]
)
def test_lists_are_separated_as_departments_do(codes: str) -> None:
    assert claim_of(ROW | {"diagnosis_codes": codes}).diagnosis_codes == ("M54.50", "M54.2")


def test_optional_columns_are_read() -> None:
    optional = {
        "member_id": "M-1",
        "provider_npi": "9000000017",
        "prior_authorization": "PA-1",
        "clinical_note": "Pain.",
    }
    claim = claim_of(ROW | optional)
    assert {name: getattr(claim, name) for name in optional} == optional
    assert claim_of(ROW | dict.fromkeys(optional, " ")) == claim_of(ROW)


def test_amounts_and_labels_as_people_write_them() -> None:
    row = ROW | {"claim_amount": "$1,250.00", "final_decision": " denied "}
    case = ADJUDICATION.history.case_of(row, today=TODAY, decimal=None)
    assert case.label == "DENIED"
    assert case.input.model_dump(mode="json")["billed_amount"] == "1250.00"


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("claim_id", "", "is required"),
        ("diagnosis_codes", "", "at least 1"),
        ("diagnosis_codes", "M54.50;banana", "entry 2: is not written as an ICD-10-CM code"),
        ("procedure_codes", "97110;9", "entry 2: is not written as a CPT or HCPCS code"),
        ("claim_amount", "free", "decimal"),
        ("claim_amount", "", "decimal"),
        ("claim_amount", "-3", "greater than or equal to 0"),
        ("service_date", "06/15/2026", "YYYY-MM-DD"),
        ("final_decision", "MAYBE", "must be one of APPROVED, DENIED, PENDING"),
        ("provider_npi", "12", "ten digits"),
        ("medical_analysis", "a\x00b", "control character"),  # PostgreSQL stores no NUL
    ],
)
def test_a_refused_row_names_column_and_reason(column: str, value: str, says: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_history(ROW | {column: value})
    assert refused.value.field == column
    assert says in refused.value.reason


@pytest.mark.parametrize("column", ADJUDICATION.history.required_columns)
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(Rejected, match="missing") as refused:
        read_history({name: value for name, value in ROW.items() if name != column})
    assert refused.value.field == column


printable = st.text(st.characters(exclude_categories=("Cc", "Cs")))


@given(printable, printable, printable)
def test_nothing_that_the_expert_found_reaches_a_prompt(
    analysis: str, reasoning: str, other: str
) -> None:
    case = read_history(ROW | {"medical_analysis": analysis, "adjudication_decision": reasoning})
    swapped = read_history(ROW | {"medical_analysis": other, "final_decision": "DENIED"})
    assert ADJUDICATION.render(case.input) == ADJUDICATION.render(swapped.input)


identifiers = st.text(max_size=64).map(lambda text: f"7{text}"[:64])


@given(claim_id=identifiers, member_id=identifiers)
def test_every_group_of_a_valid_claim_is_an_identifier_of_events(
    claim_id: str, member_id: str
) -> None:
    try:
        claim = claim_of(ROW | {"claim_id": claim_id, "member_id": member_id})
    except Rejected:
        return
    for group in (group_of(claim), group_of(claim.model_copy(update={"member_id": None}))):
        TypeAdapter(Identifier).validate_python(group)


@pytest.mark.parametrize(
    ("claim_id", "member_id", "group"),
    [
        ("CLM-1", "M-7", "member:M-7"),
        ("CLM-1", None, "claim:CLM-1"),
        ("CLM-0000123", None, "claim:CLM-0000123"),
        ("CLM-0000123-2", None, "claim:CLM-0000123"),
        ("2026-17", None, "claim:2026-17"),
        ("CLM-2026-3", None, "claim:CLM-2026-3"),
        ("CLM-0000123-10", None, "claim:CLM-0000123-10"),
    ],
)
def test_group(claim_id: str, member_id: str | None, group: str) -> None:
    claim = claim_of(ROW | {"claim_id": claim_id, "member_id": member_id or ""})
    assert group_of(claim) == group
