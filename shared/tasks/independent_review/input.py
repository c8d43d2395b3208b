"""The input of an independent review: a denied service, as the public record describes it."""

from typing import Annotated

from pydantic import Field

from shared.tasks.fields import MEMBER_DATA, CaseInput, Identifier, ShortText


class IndependentReviewInput(CaseInput):
    """A denied service as it comes to review. Categories are often left empty in the record."""

    reference_id: Identifier
    report_year: Annotated[int, Field(ge=1990, le=2100)]
    diagnosis_category: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    diagnosis_sub_category: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    treatment_category: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    treatment_sub_category: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    review_type: ShortText | None = None
    age_range: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    patient_gender: ShortText | None = Field(default=None, json_schema_extra=MEMBER_DATA)


def group_of(case: IndependentReviewInput) -> str:
    """The record names nobody, so each case is its own group."""
    return f"reference:{case.reference_id}"
