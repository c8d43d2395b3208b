"""Determinations of the published record: one CSV row becomes one `HistoricCase`.

What the physician wrote (`Findings`) is evidence: it is kept with the label and never reaches a
prompt.
"""

from collections.abc import Mapping
from datetime import date

from shared.errors import Rejected
from shared.tasks.history import HistoricCase, History, cell, optional_cell, validate_input
from shared.tasks.independent_review.input import IndependentReviewInput

# Columns of the published file, and the fields that they become.
COLUMNS = {
    "Reference ID": "reference_id",
    "Report Year": "report_year",
    "Diagnosis Category": "diagnosis_category",
    "Diagnosis Sub Category": "diagnosis_sub_category",
    "Treatment Category": "treatment_category",
    "Treatment Sub Category": "treatment_sub_category",
    "Type": "review_type",
    "Age Range": "age_range",
    "Patient Gender": "patient_gender",
}
DETERMINATION = "Determination"
FINDINGS = "Findings"


def read_history(row: Mapping[str, str]) -> HistoricCase:
    content = {field: optional_cell(row, column) for column, field in COLUMNS.items()}
    columns = {field: column for column, field in COLUMNS.items()}
    determination = cell(row, DETERMINATION)
    findings = optional_cell(row, FINDINGS)
    case = validate_input(IndependentReviewInput, content, columns=columns)
    return HistoricCase(
        input=case,
        label=_label(determination),
        reasoning=determination,
        evidence={FINDINGS: findings} if findings else {},
        day=date(case.report_year, 1, 1),
    )


def _label(determination: str) -> str:
    match determination.lower().split()[:1]:
        case ["overturned"]:
            return "APPROVED"
        case ["upheld"]:
            return "DENIED"
    raise Rejected("must begin with Overturned or Upheld", field=DETERMINATION)


HISTORY = History(
    read_history,
    required_columns=(*COLUMNS, DETERMINATION),
    optional_columns=(FINDINGS,),
    claim_column="Reference ID",
    day_column="Report Year",
)
