"""A denied service as a model reads it. It contains nothing that the review found out."""

from shared.tasks.independent_review.input import IndependentReviewInput
from shared.tasks.task import Prompt

PROMPT_VERSION = "independent-review-1"  # raise it with every change of the text below


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
