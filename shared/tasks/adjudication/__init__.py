"""The task `adjudication`: is this claim paid, refused, or does something have to be added?"""

import re
from collections.abc import Mapping

from shared.tasks.adjudication.edits import with_edits
from shared.tasks.adjudication.examples import EXAMPLES
from shared.tasks.adjudication.history import OPTIONAL_COLUMNS, REQUIRED_COLUMNS
from shared.tasks.adjudication.history import read_history as read_row
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.presentation import panels_of, rules_of, title_of_code
from shared.tasks.adjudication.prompt import PROMPT_VERSION, render
from shared.tasks.task import HistoricCase, Label, ReasonCode, Requirement, Section, Task

# What a refusal rests on, of all or of a part.
_GROUNDS: tuple[Requirement, ...] = ("reason_code", "criterion", "clinical_basis")
LABELS = (
    Label("APPROVED", adverse=False, key="a", meaning="pay the claim", needs_in_part=_GROUNDS),
    Label("DENIED", adverse=True, key="d", meaning="do not pay", needs=_GROUNDS),
    Label(
        "PENDING",
        adverse=True,
        key="p",
        meaning="ask for what is missing, then decide",
        needs=("reason_code",),
    ),
)

REASON_CODES = (
    ReasonCode("NECESSARY", "APPROVED", "Covered, and the note supports the service"),
    ReasonCode("URGENT", "APPROVED", "Urgent or emergency care"),
    ReasonCode("AGREED_FEE", "APPROVED", "In part: up to the agreed fee or the limit"),
    ReasonCode("PART_SUPPORTED", "APPROVED", "In part: the note supports some of the services"),
    ReasonCode("NOT_COVERED", "DENIED", "The policy does not cover the service"),
    ReasonCode("EXCLUDED", "DENIED", "A rule of the policy excludes the service"),
    ReasonCode("LIMIT_EXCEEDED", "DENIED", "A limit of the policy is exceeded"),
    ReasonCode("NOT_NECESSARY", "DENIED", "The note does not support the service"),
    ReasonCode("AUTHORIZATION_MISSING", "PENDING", "Prior authorization is missing"),
    ReasonCode("CODE_CORRECTION", "PENDING", "A code must be corrected or made more specific"),
    ReasonCode("ITEMIZATION", "PENDING", "An itemized bill or an agreed fee is needed"),
    ReasonCode("RECORDS_NEEDED", "PENDING", "The note leaves open whether the service is needed"),
)

LAYOUT = (
    Section(
        "Claim",
        (
            "claim_id",
            "member_id",
            "policy_id",
            "provider_npi",
            "service_date",
            "billed_amount",
            "prior_authorization",
        ),
    ),
    Section("Codes", ("diagnosis_codes", "procedure_codes")),
    Section("Clinical note", ("clinical_note",), wide=True),
    Section("Edits", ("edits",), wide=True),
)

# An attempt suffix of a claim number: one digit after a dash, behind at least five digits.
# Anything looser would join unrelated claims of short or dated numbers into one family.
_ATTEMPT = re.compile(r"(?<=\d{5})-[1-9]$")


def group_of(claim: ClaimInput) -> str:
    """The member, else the claim family: the claim number without its attempt suffix."""
    if claim.member_id:
        return f"member:{claim.member_id}"
    return f"claim:{_ATTEMPT.sub('', claim.claim_id)}"


def complete(claim: ClaimInput) -> ClaimInput:
    """A claims system that runs edits sends its own; for the others ours are run."""
    return claim if claim.edits else with_edits(claim)


def read_history(row: Mapping[str, str]) -> HistoricCase:
    return read_row(row, tuple(label.name for label in LABELS))


ADJUDICATION = Task(
    name="adjudication",
    title="Claim adjudication",
    labels=LABELS,
    input_model=ClaimInput,
    prompt_version=PROMPT_VERSION,
    render=render,
    group_of=group_of,
    complete=complete,
    read_history=read_history,
    required_columns=REQUIRED_COLUMNS,
    optional_columns=OPTIONAL_COLUMNS,
    reason_codes=REASON_CODES,
    layout=LAYOUT,
    examples=EXAMPLES,
    amount_field="billed_amount",
    summary=("service_date", "diagnosis_codes", "procedure_codes", "billed_amount"),
    title_of_code=title_of_code,
    rules_of=rules_of,
    panels_of=panels_of,
)
