"""A claim as a model reads it: codes, amount, what the edits said, and the note.

Short (about 100 tokens for a typical claim) and made of stated facts, because a small model
learns a decision from facts, not from rules that it would have to infer. It contains no
identifier of the member, and nothing that became known after the claim came in. Nothing is left
out for its length: a version that cannot read all of it does not answer, and a person decides.
"""

import re
from collections import Counter

from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.standing import statements
from shared.tasks.task import Prompt

PROMPT_VERSION = "adjudication-6"  # raise it with every change of the text below

SYSTEM = "Decide the claim: APPROVED, DENIED or PENDING, then the reason."


def render(claim: ClaimInput) -> Prompt:
    user = (
        f"Procedures {_codes(claim.procedure_codes)} for {_codes(claim.diagnosis_codes)}, "
        f"{claim.billed_amount} USD.\n"
        f"Edits: {_edits(claim)}.\n"
        f"Note: {_note(claim)}"
    )
    return Prompt(system=SYSTEM, user=user)


def _codes(codes: tuple[str, ...]) -> str:
    """Each code once, with its number of units where it is billed more than once."""
    return ", ".join(f"{code} x{n}" if n > 1 else code for code, n in Counter(codes).items())


def _edits(claim: ClaimInput) -> str:
    if not claim.edits:
        return "none ran"
    results = (
        f"{kinds}: {_without_identifiers(why, claim)}" for kinds, why in statements(claim.edits)
    )
    return "; ".join(results) or "all pass"


def _note(claim: ClaimInput) -> str:
    return " ".join(_without_identifiers(claim.clinical_note or "none", claim).split())


def _without_identifiers(text: str, claim: ClaimInput) -> str:
    """The text without the claim's own identifiers, should the provider have written them in."""
    identifiers = (
        claim.member_id,
        claim.claim_id,
        claim.policy_id,
        claim.provider_npi,
        claim.prior_authorization,
    )
    for identifier in filter(None, identifiers):
        text = re.sub(rf"(?<!\w){re.escape(identifier)}(?!\w)", "[id]", text, flags=re.IGNORECASE)
    return text
