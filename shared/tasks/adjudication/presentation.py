"""What an adjudicator is shown of a claim, and beside it: titles of codes, rules to quote, amounts.

All of it follows from the claim, its policy on the day of service, ICD-10-CM and the fee
schedule. Procedures are named by our own categories: the wording of CPT is not ours to show.
"""

from collections.abc import Mapping
from decimal import Decimal

from shared.tasks.adjudication import icd10
from shared.tasks.adjudication.codes import procedure_kind
from shared.tasks.adjudication.fees import Line, allowance
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.policy import (
    Authorization,
    Coverage,
    Exclusion,
    FeeRule,
    Limit,
    Policy,
    PolicyRule,
    fee_schedule,
    policy_of,
)
from shared.tasks.adjudication.standing import statements
from shared.tasks.fields import WORST_FIRST, CheckOutcome
from shared.tasks.presentation import CodeTitle, Panel, Presentation, Rule, Section

SECTIONS = (
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


def title_of_code(field: str, code: str) -> CodeTitle | None:
    match field:
        case "diagnosis_codes":
            title = icd10.title(code)
            return CodeTitle(title, icd10.chapter(code)) if title else None
        case "procedure_codes":
            category = fee_schedule().category_of(code)
            return CodeTitle(_service(category)) if category else _of_its_kind(code)
    return None


def _of_its_kind(code: str) -> CodeTitle | None:
    """What we know of a code that is on no list of ours: in which set of codes it would be."""
    kinds = {"revenue": "Revenue code", "ICD-10-PCS": "Inpatient procedure, ICD-10-PCS"}
    title = kinds.get(procedure_kind(code) or "")
    return CodeTitle(title) if title else None


def rules_of(claim: ClaimInput) -> tuple[Rule, ...]:
    """The policy's rules of that day: what the edits name, the worst first, then what else
    bears on the claim."""
    policy = policy_of(claim.policy_id)
    if policy is None:
        return ()
    outcomes = _outcomes(claim)
    rules = [rule for rule in policy.rules if rule.in_effect(claim.service_date)]
    named = [rule for rule in rules if rule.id in outcomes]
    named.sort(key=lambda rule: WORST_FIRST.index(outcomes[rule.id]))
    others = [rule for rule in rules if rule.id not in outcomes and _touches(rule, claim)]
    return tuple(_quoted(rule, policy, outcomes.get(rule.id)) for rule in (*named, *others))


def _outcomes(claim: ClaimInput) -> Mapping[str, CheckOutcome]:
    """What the edits say of each rule; of a rule named twice, the worst."""
    outcomes: dict[str, CheckOutcome] = {}
    for edit in sorted(claim.edits, key=lambda edit: WORST_FIRST.index(edit.outcome)):
        outcomes.setdefault(edit.rule_id, edit.outcome)
    return outcomes


def _touches(rule: PolicyRule, claim: ClaimInput) -> bool:
    billed = fee_schedule().categories_of(claim.procedure_codes)
    match rule:
        case Coverage() | FeeRule():  # what is covered, and how much is paid, is always asked
            return True
        case Exclusion():
            return rule.excludes(claim.procedure_codes, claim.diagnosis_codes)
        case Authorization():
            return not rule.categories.isdisjoint(billed)
        case Limit():
            return rule.category in billed


def _quoted(rule: PolicyRule, policy: Policy, outcome: CheckOutcome | None) -> Rule:
    return Rule(
        rule_id=rule.id,
        source=policy.title,
        version=str(policy.version),
        effective_date=rule.effective,
        text=f"{rule.id}: {rule.text}",
        outcome=outcome,
    )


def unchecked_of(claim: ClaimInput) -> tuple[str, ...]:
    """What the checks could not say, such as: policy PPO-9 is not held."""
    unchecked = (edit for edit in claim.edits if edit.outcome == "unchecked")
    return tuple(
        why if kinds == "policy unchecked" else f"{kinds.removesuffix(' unchecked')}: {why}"
        for kinds, why in statements(unchecked)
    )


def panels_of(claim: ClaimInput) -> tuple[Panel, ...]:
    """The amounts against the fee schedule, if we hold the policy and it had a rule for fees."""
    policy = policy_of(claim.policy_id)
    fees = allowance(claim, policy) if policy else None
    if policy is None or fees is None:
        return ()
    note = (
        f"{policy.title} pays {fees.rule.percent} % of fee schedule {fee_schedule().version}. "
        f"An itemized bill is due above {_dollars(fees.itemize_above)}."
    )
    if fees.without_fee:
        note += f" No fee is agreed for {', '.join(fees.without_fee)}."
    return (
        Panel(
            name="fees",
            title="Amounts against the fee schedule",
            columns=("Procedure", "Service", "Units", "Fee per unit", "Allowed"),
            rows=tuple(_row(line) for line in fees.lines),
            totals=_totals(fees.total, claim.billed_amount),
            note=note,
        ),
    )


def _row(line: Line) -> tuple[str, ...]:
    if line.category is None or line.fee is None:
        return (line.code, "not in the fee schedule", str(line.units), "none", "")
    service, fee, allowed = _service(line.category), _dollars(line.fee), _dollars(line.allowed)
    return (line.code, service, str(line.units), fee, allowed)


def _totals(allowed: Decimal, billed: Decimal) -> tuple[tuple[str, str], ...]:
    difference = billed - allowed
    sign = "+" if difference > 0 else "−" if difference < 0 else ""
    return (
        ("Allowed", _dollars(allowed)),
        ("Billed", _dollars(billed)),
        ("Difference", sign + _dollars(abs(difference))),
    )


def _service(category: str) -> str:
    wording = fee_schedule().wording(category)
    return wording[0].upper() + wording[1:]


def _dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}"


PRESENTATION = Presentation(
    sections=SECTIONS,
    summary=("service_date", "diagnosis_codes", "procedure_codes", "billed_amount"),
    usual={"source": "caseloop"},
    title_of_code=title_of_code,
    rules_of=rules_of,
    panels_of=panels_of,
    unchecked_of=unchecked_of,
)
