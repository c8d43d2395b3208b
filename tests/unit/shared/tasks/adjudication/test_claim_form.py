"""What fits on a claim form fits into a claim: its numbers, its lines, its amounts, its note."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.inference.intake import CASE_LIMIT_BYTES, case_of
from shared.errors import Rejected
from shared.events.base import Identifier
from shared.tasks import get_task
from shared.tasks.adjudication.input import ClaimInput, group_of
from shared.tasks.fields import compared, key_of, one_spelling
from tests.support.builders.claims import CLAIM
from tests.support.builders.events import submitted

ADJUDICATION = get_task("adjudication")
WRITTEN = [
    *("CLM/2026/001", "CLM 2026 001", "#2026001", "-10000930037832", "(2026)1", "CLM\\1"),
    *("2026001*", "A" * 65, "ÄRZTE-1", "{3f2504e0-4f89-11d3-9a0c-0305e82c3301}", "CLM-1"),
]


@pytest.mark.parametrize("number", WRITTEN)
def test_a_claim_is_known_by_the_number_that_its_sender_writes(number: str) -> None:
    found = case_of(submitted(claim_id=number, input=CLAIM | {"claim_id": f" {number} "}))
    assert found.claim_id == found.input["claim_id"] == number
    TypeAdapter(Identifier).validate_python(found.group_id)


@pytest.mark.parametrize("number", WRITTEN)
def test_a_member_is_a_group_whatever_the_number_looks_like(number: str) -> None:
    one, again, other = (
        case_of(submitted(input=CLAIM | {"member_id": member, "claim_id": claim})).group_id
        for member, claim in ((number, "C-1"), (number, "C-2"), (f"{number}1", "C-1"))
    )
    assert one == again != other


@pytest.mark.parametrize("field", ["claim_id", "member_id"])
@pytest.mark.parametrize("mark", ["\u200b", "\x00", "\u202e", "\n", "\u00a0", "\u3164"])
def test_a_number_with_what_nobody_sees_is_refused(field: str, mark: str) -> None:
    with pytest.raises(Rejected, match="invisible or control") as refused:
        ADJUDICATION.validate(CLAIM | {field: f"CLM{mark}1"})
    assert refused.value.field == f"input.{field}"


_NUMBERS = st.text(min_size=1, max_size=128) | st.text("aAbB1- \u2011", min_size=1, max_size=3)


@given(_NUMBERS, _NUMBERS)
def test_every_number_has_a_key_of_its_own_however_it_is_spelled(one: str, other: str) -> None:
    TypeAdapter(Identifier).validate_python(f"member:{key_of(one)}")
    assert (key_of(one) == key_of(other)) == (one_spelling(one) == one_spelling(other))
    if compared(one) == compared(other):
        assert key_of(one) == key_of(other)


@pytest.mark.parametrize("spelled", ["m-1", " M-1 ", "M\u20111", "M - 1", "Ｍ-1"])
def test_another_spelling_of_a_member_is_nobody_else(spelled: str) -> None:
    """Nobody's cases lie on both sides of the data."""
    one, other = (
        group_of(ClaimInput.model_validate(CLAIM | {"member_id": member}))
        for member in ("M-1", spelled)
    )
    assert one == other


def test_what_a_spreadsheet_adds_to_a_number_makes_no_other() -> None:
    assert compared("4711.0") == compared('="4711"') == compared("'4711") == compared("4711")
    assert compared("4711.05") != compared("4711") != compared("04711")
    assert compared("A-1.0") == "a-1.0"


def test_plain_numbers_are_their_own_keys() -> None:
    assert group_of(ClaimInput.model_validate(CLAIM | {"member_id": "M-1"})) == "member:M-1"
    assert group_of(ClaimInput.model_validate(CLAIM | {"member_id": None})) == "claim:CLM-1"


def test_the_largest_claim_fits_with_all_that_is_added_to_it() -> None:
    edit = {"rule_id": "R-1", "kind": "limit", "outcome": "fail", "message": "x" * 200}
    found = case_of(
        submitted(
            input=CLAIM
            | {
                "diagnosis_codes": ["M54.16"] * 25,
                "procedure_codes": [f"{n:05d}-GP-59-KX-LT" for n in range(999)],
                "billed_amount": "99999999.99",
                "clinical_note": "ü" * 20_000,
                "edits": [edit] * 50,
            }
        )
    )
    assert len(found.model_dump_json().encode()) < CASE_LIMIT_BYTES
    assert (
        ADJUDICATION.prompt(found.input).user.count("-GP-59") == 999 + 2
    )  # each once, and in what two edits say of the first


@pytest.mark.parametrize("amount", ["0.00", "0", 0, "0.01", "12500000.00"])
def test_amounts_of_real_claims_are_taken(amount: str | int) -> None:
    claim = ADJUDICATION.complete(ADJUDICATION.validate(CLAIM | {"billed_amount": amount}))
    assert ADJUDICATION.standing_of(claim) in ("passed", "open")


def test_units_are_repeated_codes_and_as_many_as_a_form_carries() -> None:
    claim = CLAIM | {"procedure_codes": ["97153"] * 24, "diagnosis_codes": ["F84.0"]}
    assert ADJUDICATION.prompt(claim).user.startswith("Procedures 97153 x24 for F84.0")
