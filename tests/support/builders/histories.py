"""History files for tests: rows of the task `adjudication`, right unless a test says otherwise."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date

TODAY = date(2026, 6, 30)  # on which the files are read
ROW = {
    "claim_id": "CLM-1",
    "member_id": "M-1",
    "policy_id": "CHOICE-PPO",
    "diagnosis_codes": "M54.16",
    "procedure_codes": "97110;97140",
    "claim_amount": "118.00",
    "service_date": "2026-01-15",
    "clinical_note": "Leg pain, no relief from exercises.",
    "medical_analysis": "FINDING: radiculopathy proven by imaging",
    "adjudication_decision": "The note supports the therapy.",
    "final_decision": "APPROVED",
    "decided_by": "human",
}


def row(number: int, **changes: str) -> dict[str, str]:
    """The row of a claim, a member and a content of its own."""
    own = {
        "claim_id": f"CLM-{number}",
        "member_id": f"M-{number}",
        "clinical_note": f"Leg pain in week {number}, no relief from exercises.",
    }
    return {**ROW, **own, **changes}


def csv_file(rows: Iterable[Mapping[str, str]], *, columns: Iterable[str] = tuple(ROW)) -> bytes:
    """Rows as a CSV file of those columns, in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
