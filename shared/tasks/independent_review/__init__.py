"""The task `independent_review`: does a health plan's denial stand?

Its cases are determinations of California's Independent Medical Review, a public record: an
independent physician upholds the plan's decision (DENIED) or overturns it (APPROVED). What
that physician wrote (`Findings`) is evidence and never reaches a prompt.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Rejected
from shared.tasks.fields import MEMBER_DATA, Identifier, ShortText
from shared.tasks.history import cell, checked, optional_cell
from shared.tasks.task import HistoricCase, Label, Prompt, ReasonCode, Section, Task

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


class IndependentReviewInput(BaseModel):
    """A denied service as it comes to review. Categories are often left empty in the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference_id: Identifier
    report_year: Annotated[int, Field(ge=1990, le=2100)]
    diagnosis_category: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    diagnosis_sub_category: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    treatment_category: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    treatment_sub_category: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    review_type: ShortText | None = None
    age_range: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    patient_gender: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)


def render(case: IndependentReviewInput) -> Prompt:
    who = ", ".join(filter(None, ((case.age_range or "").replace("_", "-"), case.patient_gender)))
    user = (
        f"Diagnosis: {_path(case.diagnosis_category, case.diagnosis_sub_category)}.\n"
        f"Treatment: {_path(case.treatment_category, case.treatment_sub_category)}.\n"
        f"Denied as: {case.review_type or 'not stated'}, {case.report_year}.\n"
        f"Patient: {who or 'not stated'}."
    )
    return Prompt(system="A plan denied this treatment. Decide: APPROVED or DENIED.", user=user)


def _path(category: str | None, sub_category: str | None) -> str:
    return ", ".join(filter(None, (category, sub_category))) or "not stated"


def group_of(case: IndependentReviewInput) -> str:
    """The record names nobody, so each case is its own group."""
    return f"reference:{case.reference_id}"


def read_history(row: Mapping[str, str]) -> HistoricCase:
    content = {field: optional_cell(row, column) for column, field in COLUMNS.items()}
    columns = {field: column for column, field in COLUMNS.items()}
    determination = cell(row, DETERMINATION)
    findings = optional_cell(row, FINDINGS)
    return HistoricCase(
        input=checked(IndependentReviewInput, content, columns=columns),
        label=_label(determination),
        reasoning=determination,
        evidence={FINDINGS: findings} if findings else {},
    )


def _label(determination: str) -> str:
    match determination.lower().split()[:1]:
        case ["overturned"]:
            return "APPROVED"
        case ["upheld"]:
            return "DENIED"
    raise Rejected("must begin with Overturned or Upheld", field=DETERMINATION)


INDEPENDENT_REVIEW = Task(
    name="independent_review",
    title="Independent medical review",
    labels=(
        Label("APPROVED", adverse=False, key="a", meaning="overturn the plan's denial"),
        Label(
            "DENIED",
            adverse=True,
            key="d",
            meaning="uphold the plan's denial",
            needs=("reason_code", "criterion", "clinical_basis"),
        ),
    ),
    input_model=IndependentReviewInput,
    prompt_version="independent-review-1",
    render=render,
    group_of=group_of,
    read_history=read_history,
    required_columns=(*COLUMNS, DETERMINATION),
    optional_columns=(FINDINGS,),
    claim_column="Reference ID",
    reason_codes=(
        ReasonCode("NECESSARY", "APPROVED", "The treatment is medically necessary"),
        ReasonCode("MORE_BENEFICIAL", "APPROVED", "Likely to help more than standard treatment"),
        ReasonCode("URGENT", "APPROVED", "It was an emergency or urgent"),
        ReasonCode("NOT_NECESSARY", "DENIED", "The treatment is not medically necessary"),
        ReasonCode("NOT_PROVEN", "DENIED", "Not likely to help more than standard treatment"),
    ),
    layout=(
        Section("Request", ("reference_id", "report_year", "review_type")),
        Section("Diagnosis", ("diagnosis_category", "diagnosis_sub_category")),
        Section("Treatment", ("treatment_category", "treatment_sub_category")),
        Section("Patient", ("age_range", "patient_gender")),
    ),
    examples=(
        {
            "reference_id": "MN12-15014",
            "report_year": 2012,
            "diagnosis_category": "Orthopedic/ Musculoskeletal",
            "diagnosis_sub_category": "Back Pain",
            "treatment_category": "Rehabilitation Services - Outpatient",
            "treatment_sub_category": "Physical Therapy",
            "review_type": "Medical Necessity",
            "age_range": "41-50",
            "patient_gender": "Female",
        },
    ),
    summary=("report_year", "diagnosis_sub_category", "treatment_sub_category"),
)
