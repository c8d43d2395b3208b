"""Adjudicated claims from a history file: one CSV row becomes one `HistoricCase`.

The columns are those that claims departments export. What the expert found
(`medical_analysis`) is evidence: it is kept with the label and never reaches a prompt.
"""

import re
from collections.abc import Mapping

from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.labels import LABELS
from shared.tasks.history import (
    HistoricCase,
    History,
    cell,
    label_cell,
    optional_cell,
    validate_input,
)

REQUIRED_COLUMNS = (
    "claim_id",
    "policy_id",
    "diagnosis_codes",
    "procedure_codes",
    "claim_amount",
    "service_date",
    "medical_analysis",
    "adjudication_decision",
    "final_decision",
)
OPTIONAL_COLUMNS = ("member_id", "provider_npi", "prior_authorization", "clinical_note")

_SEPARATOR = re.compile(r"[;|,/^\s\[\]'\"=]+")  # none of them is part of a code


def read_history(row: Mapping[str, str]) -> HistoricCase:
    """The claim, its label, and the expert's reasoning."""
    content = {
        "claim_id": cell(row, "claim_id"),
        "policy_id": cell(row, "policy_id"),
        "diagnosis_codes": _codes(row, "diagnosis_codes"),
        "procedure_codes": _codes(row, "procedure_codes"),
        "billed_amount": cell(row, "claim_amount"),
        "service_date": cell(row, "service_date"),
        **{column: optional_cell(row, column) for column in OPTIONAL_COLUMNS},
    }
    claim = validate_input(ClaimInput, content, columns={"billed_amount": "claim_amount"})
    cell(row, "medical_analysis")  # it must be there
    analysis = optional_cell(row, "medical_analysis")
    return HistoricCase(
        input=claim,
        label=label_cell(row, "final_decision", (label.name for label in LABELS)),
        reasoning=cell(row, "adjudication_decision"),
        evidence={"medical_analysis": analysis} if analysis else {},
        day=claim.service_date,
    )


def _codes(row: Mapping[str, str], column: str) -> tuple[str, ...]:
    return tuple(code for code in _SEPARATOR.split(cell(row, column)) if code)


HISTORY = History(
    read_history,
    required_columns=REQUIRED_COLUMNS,
    optional_columns=OPTIONAL_COLUMNS,
    amount_columns=("claim_amount",),
    day_column="service_date",
)
