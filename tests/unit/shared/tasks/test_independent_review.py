import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.tasks.fields import means_nothing
from shared.tasks.independent_review import INDEPENDENT_REVIEW
from shared.tasks.independent_review.history import read_history

ROW = {
    "Reference ID": "MN12-15014",
    "Report Year": "2012",
    "Diagnosis Category": "Cancer",
    "Diagnosis Sub Category": "Skin Cancer",
    "Treatment Category": "Cancer Treatment",
    "Treatment Sub Category": "Chemotherapy",
    "Determination": "Overturned Decision of Health Plan",
    "Type": "Medical Necessity",
    "Age Range": "11_20",
    "Patient Gender": "Female",
}


def prompt(row: dict[str, str]) -> str:
    return INDEPENDENT_REVIEW.render(read_history(row).input).user


def test_overturned_means_approved_and_upheld_denied() -> None:
    assert read_history(ROW).label == "APPROVED"
    upheld = read_history(ROW | {"Determination": "Upheld Decision of Health Plan"})
    assert upheld.label == "DENIED"
    assert INDEPENDENT_REVIEW.is_adverse("DENIED")
    assert not INDEPENDENT_REVIEW.is_adverse("APPROVED")


def test_the_whole_text() -> None:
    assert prompt(ROW) == (
        "Diagnosis: Cancer, Skin Cancer.\n"
        "Treatment: Cancer Treatment, Chemotherapy.\n"
        "Denied as: Medical Necessity, 2012.\n"
        "Patient: 11-20, Female."
    )


def test_empty_categories_are_common_and_fine() -> None:
    known = ("Reference ID", "Report Year", "Determination")
    text = prompt({column: value if column in known else "" for column, value in ROW.items()})
    assert text.count("not stated") == 4


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Reference ID", ""),
        ("Report Year", "soon"),
        ("Determination", "Settled"),
        ("Type", "x" * 201),
    ],
)
def test_a_refused_row_names_its_column(column: str, value: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_history(ROW | {column: value})
    assert refused.value.field == column


printable = st.text(st.characters(exclude_categories=("Cc", "Cs")))


@given(printable, printable)
def test_the_findings_are_evidence_and_never_reach_a_prompt(findings: str, other: str) -> None:
    case = read_history(ROW | {"Findings": findings})
    said = "" if means_nothing(findings) else findings.strip()
    assert case.evidence.get("Findings", "") == said
    assert prompt(ROW | {"Findings": findings}) == prompt(ROW | {"Findings": other}) == prompt(ROW)


def test_the_determination_does_not_reach_the_prompt() -> None:
    assert prompt(ROW | {"Determination": "Upheld Decision of Health Plan"}) == prompt(ROW)


def test_each_case_is_its_own_group() -> None:
    assert INDEPENDENT_REVIEW.group_of(read_history(ROW).input) == "reference:MN12-15014"
