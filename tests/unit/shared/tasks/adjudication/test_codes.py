"""Codes as claims carry them: each kind by its own shape, written in one way, and none invented."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.tasks.adjudication.codes import (
    DiagnosisCode,
    ProcedureCode,
    modifiers,
    procedure_kind,
    without_modifiers,
)
from shared.tasks.adjudication.fees import allowance
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.policy import policies
from shared.tasks.adjudication.presentation import title_of_code
from shared.tasks.adjudication.standing import complete, standing_of
from tests.support.builders.claims import CLAIM


def procedure(code: str) -> str:
    return str(TypeAdapter(ProcedureCode).validate_python(code))


@pytest.mark.parametrize(
    ("written", "code", "kind"),
    [
        ("99213", "99213", "CPT"),
        ("00100", "00100", "CPT"),
        ("0001A", "0001A", "CPT"),  # administration of a vaccine
        ("1036F", "1036F", "CPT"),  # category II
        ("0275T", "0275T", "CPT"),  # category III
        ("0001U", "0001U", "CPT"),  # proprietary laboratory analysis
        ("0002M", "0002M", "CPT"),
        ("g0438", "G0438", "HCPCS"),
        ("D2740", "D2740", "HCPCS"),
        ("W9045", "W9045", "HCPCS"),
        ("X1234", "X1234", "HCPCS"),
        ("0450", "0450", "revenue"),
        ("1001", "1001", "revenue"),
        ("0dtj4zz", "0DTJ4ZZ", "ICD-10-PCS"),
        ("0016070", "0016070", "ICD-10-PCS"),
        ("97110-59", "97110-59", "CPT"),
        ("97110:59", "97110-59", "CPT"),
        ("97110-gp:59", "97110-GP-59", "CPT"),
        ("HC:97110:GP", "97110-GP", "CPT"),
        ("J1100-JW", "J1100-JW", "HCPCS"),
        ("\uff19\uff17110\u200b", "97110", "CPT"),
    ],
)
def test_a_procedure_code_is_read_in_one_way(written: str, code: str, kind: str) -> None:
    assert procedure(written) == procedure(code) == code
    assert procedure_kind(code) == kind
    assert "-".join((without_modifiers(code), *modifiers(code))) == code


@pytest.mark.parametrize(
    "code",
    [
        *("100", "450", "9711", "971100", "97110/97140", "97110 x3", "97110(2)", "9711059"),
        *("0450-59", "0DTJ4ZZ-59", "97110-5", "97110-59-GP-KX-LT-RT", "0DTI4ZO", "A123", "97110-"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_refused(code: str) -> None:
    with pytest.raises(ValidationError, match="CPT or HCPCS code"):
        procedure(code)


@pytest.mark.parametrize(
    ("written", "code"),
    [("m5416", "M54.16"), ("\uff2d54.16", "M54.16"), ("M54.16\u200b", "M54.16")]
    + [(code, code) for code in ("A00", "S72.001A", "C7A.1", "Z3A.20", "U07.1", "QA0.0149")],
)
def test_a_diagnosis_code_is_read_in_one_way(written: str, code: str) -> None:
    assert TypeAdapter(DiagnosisCode).validate_python(written) == code


@pytest.mark.parametrize("code", ["250.00", "314529007", "M5416.0", "M54.16/M54.2", "SECRET"])
def test_a_code_of_another_set_is_no_diagnosis(code: str) -> None:
    with pytest.raises(ValidationError, match="ICD-10-CM"):
        TypeAdapter(DiagnosisCode).validate_python(code)


def outcomes(*codes: str, **changes: Any) -> dict[str, tuple[str, str]]:
    claim = ClaimInput.model_validate(CLAIM | {"procedure_codes": codes} | changes)
    return {edit.kind: (edit.outcome, edit.message) for edit in complete(claim).edits}


@pytest.mark.parametrize("code", ["0450", "0DTJ4ZZ", "W9045", "0001U", "D2740-59"])
def test_a_code_that_nobody_knows_is_taken_and_unchecked(code: str) -> None:
    found = outcomes("97110", code)
    assert found["coverage"] == ("unchecked", f"no rule knows {code}")
    assert found["fee_schedule"] == ("pend", f"no fee is agreed for {code}")


def test_a_diagnosis_that_icd_10_cm_lacks_is_taken_and_pends() -> None:
    found = outcomes("97110", diagnosis_codes=["V58.61"])
    assert found["code_validity"] == ("pend", "V58.61 is not in ICD-10-CM")


def test_a_modifier_hides_no_code_from_a_rule() -> None:
    assert outcomes("30400-59")["exclusion"][0] == "fail"
    assert outcomes("27447-RT")["authorization"][0] == "pend"
    assert outcomes(*["97110-59"] * 4, *["97140-GP"] * 3)["limit"][0] == "fail"


def test_a_modifier_that_changes_no_fee_passes_and_of_another_no_rule_says_anything() -> None:
    plain, same = (
        ClaimInput.model_validate(CLAIM | {"procedure_codes": [c]}) for c in ("97110", "97110-59")
    )
    fees = [allowance(claim, policies()["CHOICE-PPO"]) for claim in (plain, same)]
    assert fees[0] is not None
    assert fees[1] is not None
    assert fees[0].total == fees[1].total > 0
    assert standing_of(plain) == standing_of(same) == "passed"
    assert outcomes("97110-50")["fee_schedule"] == (
        "unchecked",
        "no rule says what modifier 50 pays",
    )


def test_a_page_says_of_which_kind_a_code_is() -> None:
    def title(code: str) -> str | None:
        known = title_of_code("procedure_codes", code)
        return known.title if known else None

    assert title("97110-59") == title("97110") == "Physical therapy"
    assert title("0450") == "Revenue code"
    assert title("0DTJ4ZZ") == "Inpatient procedure, ICD-10-PCS"
    assert title("00100") is None
