"""Where nothing is given, people and programs write a word: it is no value, at any door."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dataset_accumulator.importing.importers.csv import read_csv
from services.dataset_accumulator.importing.importers.rows import Reading, Row
from services.inference.intake import case_of
from shared.errors import Rejected
from shared.tasks import get_task
from shared.tasks.fields import means_nothing
from tests.support.builders.claims import CLAIM
from tests.support.builders.events import submitted
from tests.support.builders.histories import TODAY

ADJUDICATION = get_task("adjudication")
WORDS = [
    *("", " ", "-", "--", "?", "N", "NO", "no", "NONE", "None", "NULL", "null", "nan", "NaN"),
    *("NaT", "\\N", "n/a", "N/A", "#N/A", "<NA>", "(null)", "N.A.", "nil", "undefined", "\u200b"),
    *("TBD", "unknown", "Unknown ", "pending", "PENDING", "requested", "DENIED", "not applicable"),
    *("0", "0.0", "000", "false", "FALSE", "Not Provided", "see attached", "See notes.", "XXX"),
    *(
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "Ｎ／Ａ",
        "ＮＯＮＥ",
        "—",
        "–",
        "―",
        "−",
        "ninguno",
        "No aplica",
    ),
    *("néant", "keine", "entfällt", "não aplicável", "нет", "无"),
]
OPTIONAL = ("member_id", "provider_npi", "prior_authorization", "clinical_note")


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("field", OPTIONAL)
def test_an_optional_field_with_such_a_word_is_empty_and_the_claim_the_same(
    field: str, word: str
) -> None:
    said, left_out = (
        case_of(submitted(input=CLAIM | {field: nothing})) for nothing in (word, None)
    )
    assert said.input[field] is None
    assert said == left_out  # also group and hash


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("field", ["claim_id", "policy_id", "service_date"])
def test_a_required_field_with_such_a_word_is_refused_by_name(field: str, word: str) -> None:
    with pytest.raises(Rejected, match="is required") as refused:
        case_of(submitted(input=CLAIM | {field: word}))
    assert refused.value.field == f"input.{field}"


@pytest.mark.parametrize("word", [word for word in WORDS if "0" not in word])
def test_a_list_lacks_the_entry_and_is_refused_without_another(word: str) -> None:
    claim = ADJUDICATION.validate(CLAIM | {"procedure_codes": ["97110", word]})
    assert claim.model_dump()["procedure_codes"] == ("97110",)
    with pytest.raises(Rejected, match="at least 1"):
        ADJUDICATION.validate(CLAIM | {"procedure_codes": [word]})


def test_a_code_of_zeros_is_billed_and_unknown() -> None:
    claim = ADJUDICATION.validate(CLAIM | {"procedure_codes": ["97110", "00000"]})
    assert ADJUDICATION.standing_of(claim) == "unchecked"
    with pytest.raises(Rejected, match="procedure_codes"):
        ADJUDICATION.validate(CLAIM | {"procedure_codes": ["0"]})


@pytest.mark.parametrize("word", WORDS)
def test_an_import_reads_the_same_words(word: str) -> None:
    row = {
        "claim_id": "CLM-1",
        "policy_id": "CHOICE-PPO",
        "diagnosis_codes": "M17.11",
        "procedure_codes": "27447",
        "claim_amount": "1500.00",
        "service_date": "2026-01-15",
        "medical_analysis": word,
        "adjudication_decision": "supported",
        "final_decision": "PENDING",
        **dict.fromkeys(OPTIONAL, word),
    }
    text = "\n".join([",".join(row), ",".join(row.values())]).encode()
    [read] = read_csv([text], Reading(ADJUDICATION, TODAY, decided_by="human"))
    assert isinstance(read, Row)
    case = ADJUDICATION.complete(read.case.input).model_dump(mode="json")
    assert [case[field] for field in OPTIONAL] == [None] * 4
    assert read.case.evidence == {}
    edits = {edit["kind"]: edit for edit in case["edits"]}
    assert edits["authorization"]["outcome"] == "pend"


def test_other_tasks_know_them_too() -> None:
    task = get_task("independent_review")
    example = task.examples[0]
    assert task.prompt({**example, "review_type": "N/A", "age_range": "nan"}) == task.prompt(
        {**example, "review_type": None, "age_range": None}
    )
    with pytest.raises(Rejected, match="reference_id: is required"):
        task.validate({**example, "reference_id": "NULL"})


@pytest.mark.parametrize("word", ["Y", "PA-1234", "A0", "none of it helped", "01", "Nan Ortiz"])
def test_what_says_something_is_kept(word: str) -> None:
    assert not means_nothing(word)


@given(st.sampled_from(WORDS), st.sampled_from(["", " ", "\u200b", "\ufeff", "."]))
def test_case_spaces_and_marks_make_no_difference(word: str, mark: str) -> None:
    for said in (word, word.upper(), word.lower(), mark + word + mark):
        assert means_nothing(said)


@pytest.mark.parametrize(
    ("given_in", "outcome"),
    [
        *[(number, "pass") for number in ("PA-1234", "PA 123 456", "12345678", "A0B1", "PA-99")],
        *[(number, "pass") for number in ("Prior Auth #A123456", "AUTH-001", "ＰＡ１２３４")],
        *[(number, "pass") for number in ("um-2026-01-000123", "UM20260115001", "SNF_12/345")],
        *[(word, "pend") for word in (None, "Y", "yes", "approved", "on file", "PA-1", "0000000")],
        *[(word, "pend") for word in ("2026-06-15", "6/15/2026", "pending 4711", "PA-4711 DENIED")],
        *[(date, "pend") for date in ("2026-06-15 00:00:00", "15-Jun-2026", "PA 06/15/26")],
        *[(date, "pend") for date in ("2026-06-15T00:00:00Z", "20260615", "06152026")],
        *[(said, "pend") for said in ("see attached fax, 12 pages", "fax 2 of 12", "n/a 2026")],
        *[(said, "pend") for said in ("verbal ok by Dr. 1234", "call 555-1234", "nein 2026")],
        *[(said, "pend") for said in ("beantragt15062026", "PENDIENTE-2026", "auth 2026 expired")],
        *[(number, "pass") for number in ("A012345678", "123456A", "1026001234", "#4711")],
        *[(number, "pass") for number in ("PA061526", "PA204210", "PA 555123", "AUTH 1-23-4567")],
        *[(period, "pend") for period in ("2026-06", "06/2026", "PA 2026-06", "2026", "auth 2026")],
        *[(period, "pend") for period in ("jun-2026", "2026-q1", "fy2026", "202606", "061526")],
        *[(phone, "pend") for phone in ("555-1234", "800 555 1234", "1-800-555-1234")],
        *[(phone, "pend") for phone in ("5552341234", "auth 800-555-1234", "555-1234 x12")],
        *[(other, "pend") for other in ("123-45-6789", "90210-1234", "90210", "10-20")],
        *[(measure, "pend") for measure in ("500mg", "9am-5pm", "12wks", "3x2026")],
        *[(amount, "pend") for amount in ("1500.00", "$1500", "1.23E+05", "4711.0", "PA-0000")],
        *[(other, "pend") for other in (CLAIM["provider_npi"], "CLM-1234")],  # another column's
        *[(other, "pend") for other in ("27447", "m1711", "M17.11", "1500", "1500.00")],
        *[(word, "pend") for word in WORDS],
    ],
)
def test_what_counts_as_an_authorization_number(given_in: Any, outcome: str) -> None:
    claim = {
        "procedure_codes": ["27447"],
        "diagnosis_codes": ["M17.11"],
        "billed_amount": "1500.00",
        "prior_authorization": given_in,
        "claim_id": "CLM-1234",
    }
    edits = {edit["kind"]: edit for edit in case_of(submitted(input=CLAIM | claim)).input["edits"]}
    assert edits["authorization"]["outcome"] == outcome
