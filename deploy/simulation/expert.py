"""The simulated expert: follows policy, edits and note, in this order, and sometimes dissents."""

from dataclasses import dataclass
from random import Random

from deploy.simulation.notes import ClinicalNote, Support
from shared.tasks.adjudication.input import ClaimInput, Edit
from shared.tasks.adjudication.labels import LABELS

_REASON_CODES = {
    "code_validity": "CODE_CORRECTION",
    "coverage": "NOT_COVERED",
    "exclusion": "EXCLUDED",
    "authorization": "AUTHORIZATION_MISSING",
    "limit": "LIMIT_EXCEEDED",
    "fee_schedule": "ITEMIZATION",
}


@dataclass(frozen=True)
class Judgment:
    label: str
    reason_code: str
    reasoning: str  # one short sentence that names the decisive fact
    analysis: str  # what the expert found; nothing that was known when the claim came in


def judge_claim(claim: ClaimInput, note: ClinicalNote) -> Judgment:
    """Denied if an edit failed, pending if one awaits something, otherwise by the note."""
    for outcome, label in (("fail", "DENIED"), ("pend", "PENDING")):
        for edit in claim.edits:
            if edit.outcome == outcome:
                return _by_edit(edit, label)
    return _by_note(note)


def _by_edit(edit: Edit, label: str) -> Judgment:
    reasoning = f"{edit.message[0].upper()}{edit.message[1:]}."
    if edit.kind == "fee_schedule" and edit.message.startswith("billed"):
        reasoning = "An itemized bill is needed."
    analysis = f"Decided by rule {edit.rule_id}, no medical review."
    return Judgment(label, _REASON_CODES[edit.kind], reasoning, analysis)


def _by_note(note: ClinicalNote) -> Judgment:
    match note.support:
        case Support.SUPPORTS:
            analysis = "Chart read in full, the need for the service is established."
            return Judgment("APPROVED", "NECESSARY", note.reason, analysis)
        case Support.LACKS:
            analysis = "Chart read in full, no need for the service could be established."
            return Judgment("DENIED", "NOT_NECESSARY", note.reason, analysis)
        case Support.UNCLEAR:
            analysis = "Chart incomplete, the need for the service stays open."
            return Judgment("PENDING", "RECORDS_NEEDED", note.reason, analysis)


def by_bulletin(wording: str) -> Judgment:
    """A drift: experts follow a bulletin that the edits do not know yet."""
    reasoning = f"{wording[0].upper()}{wording[1:]} is no longer paid."
    return Judgment("DENIED", "EXCLUDED", reasoning, "Bulletin to reviewers applied.")


_DISSENT = {
    "APPROVED": Judgment(
        "APPROVED", "URGENT", "Urgent in the expert's view.", "Approved after a call."
    ),
    "DENIED": Judgment(
        "DENIED", "NOT_NECESSARY", "Not needed in the expert's view.", "Second reading differs."
    ),
    "PENDING": Judgment(
        "PENDING", "RECORDS_NEEDED", "The expert wants more records.", "Second reading differs."
    ),
}


def dissent(judgment: Judgment, random: Random) -> Judgment:
    """Another label than the one that policy, edits and note lead to."""
    others = [label.name for label in LABELS if label.name != judgment.label]
    return _DISSENT[random.choice(others)]
