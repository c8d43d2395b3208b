"""The input of an adjudication case: one claim as it stands before anybody has judged it.

Codes and amounts are normalized here, so that equal claims have equal content
(`model_dump(mode="json")` is the canonical form: the amount is a string of two places).
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shared.tasks.adjudication.codes import DiagnosisCode, Npi, ProcedureCode, without_modifiers
from shared.tasks.fields import (
    MEMBER_DATA,
    CalendarDate,
    CaseInput,
    CheckOutcome,
    ClaimNumber,
    MemberNumber,
    ShortText,
    SingleWord,
    Text,
    compared,
    key_of,
    printable,
    visible,
)

NOTE_CHARACTERS = 20_000  # the longest of some 2,400 transcribed notes has 18,425
SENDER_EDITS = 50
# The most that any claim form carries: 837I has room for 25 diagnoses and 999 lines, 837P for 12
# and 50, and an amount on paper has ten digits.
MOST_DIAGNOSES, MOST_PROCEDURES = 25, 999
LARGEST_AMOUNT = Decimal("99999999.99")

# An attempt suffix of a claim number: one digit after a dash, behind at least five digits.
# Anything looser would join unrelated claims of short or dated numbers into one family.
_ATTEMPT = re.compile(r"(?<=\d{5})-[1-9]$")


def _policy_id(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else value


def _not_a_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("amount", "must be an amount, not true or false")
    return value


def _cents(value: Decimal) -> Decimal:
    return abs(value.quantize(Decimal("0.01")))  # -0.00 is no other amount than 0.00


# As a reader sees it, so that an invisible character makes no other policy of it.
PolicyId = Annotated[
    str, Field(min_length=1, max_length=64), BeforeValidator(_policy_id), AfterValidator(printable)
]
Amount = Annotated[
    Decimal,
    Field(ge=0, le=LARGEST_AMOUNT, decimal_places=2),
    BeforeValidator(_not_a_truth_value),
    AfterValidator(_cents),
]
EditKind = Literal[
    "code_validity",
    "completeness",
    "service_date",
    "note",
    "policy",
    "coverage",
    "exclusion",
    "authorization",
    "limit",
    "fee_schedule",
]


EditSource = Literal["caseloop", "sender"]  # who made the check


def _few_of_the_sender(edits: tuple["Edit", ...]) -> tuple["Edit", ...]:
    if sum(edit.source == "sender" for edit in edits) > SENDER_EDITS:
        raise PydanticCustomError("too_many", f"must be at most {SENDER_EDITS} edits of your own")
    return edits


class Edit(BaseModel):
    """What one deterministic check said. `fail`: the rule rules payment out; `pend`: something
    must be added or corrected before anybody can pay; `unchecked`: the check could not be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule_id: SingleWord
    kind: EditKind
    outcome: CheckOutcome
    source: EditSource = "sender"
    message: ShortText


class ClaimInput(CaseInput):
    """One claim. Amounts are US dollars; `edits` are the checks that ran before judgment: the
    sender's own and, in a case, ours, which are run whatever the sender states."""

    claim_id: ClaimNumber
    member_id: MemberNumber | None = Field(default=None, json_schema_extra=MEMBER_DATA)
    policy_id: PolicyId
    provider_npi: Npi | None = None
    service_date: CalendarDate = Field(json_schema_extra=MEMBER_DATA)
    diagnosis_codes: tuple[DiagnosisCode, ...] = Field(
        min_length=1, max_length=MOST_DIAGNOSES, json_schema_extra=MEMBER_DATA
    )
    procedure_codes: tuple[ProcedureCode, ...] = Field(
        min_length=1, max_length=MOST_PROCEDURES, json_schema_extra=MEMBER_DATA
    )
    billed_amount: Amount
    prior_authorization: Annotated[ShortText, Field(max_length=64)] | None = Field(
        default=None, json_schema_extra=MEMBER_DATA
    )
    clinical_note: Annotated[Text, Field(max_length=NOTE_CHARACTERS)] | None = Field(
        default=None, json_schema_extra=MEMBER_DATA
    )
    edits: Annotated[tuple[Edit, ...], AfterValidator(_few_of_the_sender)] = Field(
        default=(), max_length=2 * SENDER_EDITS, json_schema_extra=MEMBER_DATA
    )


def group_of(claim: ClaimInput) -> str:
    """The member, else the claim family: the claim number without its attempt suffix."""
    if claim.member_id:
        return f"member:{key_of(claim.member_id)}"
    return f"claim:{key_of(_ATTEMPT.sub('', claim.claim_id))}"


def judged_of(claim: ClaimInput) -> dict[str, Any]:
    """The service that is billed: for whom, when, by whom, what, how much.

    Whatever else differs, payers call it an exact duplicate (Medicare Claims Processing Manual,
    chapter 1, section 120). A modifier may say why it is none, which is for people to judge.
    """
    return {
        "member_id": compared(claim.member_id) if claim.member_id else None,
        "provider_npi": claim.provider_npi,
        "service_date": claim.service_date,
        "procedure_codes": sorted(map(without_modifiers, claim.procedure_codes)),
        "billed_amount": claim.billed_amount,
    }
