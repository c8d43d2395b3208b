"""What a physician is shown of a denied service."""

from shared.tasks.presentation import Presentation, Section

PRESENTATION = Presentation(
    sections=(
        Section("Request", ("reference_id", "report_year", "review_type")),
        Section("Diagnosis", ("diagnosis_category", "diagnosis_sub_category")),
        Section("Treatment", ("treatment_category", "treatment_sub_category")),
        Section("Patient", ("age_range", "patient_gender")),
    ),
    summary=("report_year", "diagnosis_sub_category", "treatment_sub_category"),
)
