"""Edits: the deterministic checks of a claim, as pure functions of the claim and its policy.

Each kind of check gives one edit. A check that could not be made says `unchecked`: no policy, no
rule in force on the day of service, a code that no rule knows. Only a kind of rule that the policy
never uses gives no edit.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date

from shared.tasks.adjudication import icd10
from shared.tasks.adjudication.authorization import is_authorization_number
from shared.tasks.adjudication.codes import modifiers, without_modifiers
from shared.tasks.adjudication.fees import allowance
from shared.tasks.adjudication.input import ClaimInput, Edit, EditKind
from shared.tasks.adjudication.notes import objection_to
from shared.tasks.adjudication.policy import (
    Authorization,
    Coverage,
    Exclusion,
    FeeRule,
    Limit,
    Policy,
    PolicyRule,
    fee_schedule,
)
from shared.tasks.fields import CheckOutcome, compared

# Of edits that no rule of a policy makes.
_CODES_RULE, _FORM_RULE, _POLICY_RULE = "ICD-10-CM", "CLAIM-FORM", "POLICY"
_MESSAGE_CHARACTERS = 200


def run_edits(claim: ClaimInput, policy: Policy | None) -> tuple[Edit, ...]:
    """All edits of the claim, those first that need no policy."""
    first = (_code_validity(claim), *_note(claim))
    if policy is None:
        return (*first, _unchecked("policy", f"policy {claim.policy_id} is not held"))
    if not any(rule.in_effect(claim.service_date) for rule in policy.rules):
        message = f"no rule of {policy.policy_id} was in force on that day"
        return (*first, _unchecked("policy", message))
    edits = (_edit_of(kind, claim, policy) for kind in _CHECKS)
    return (*first, *(edit for edit in edits if edit is not None))


def run_form_edits(claim: ClaimInput, *, submitted_on: date) -> tuple[Edit, ...]:
    """What is wrong with a claim that came in on that day by UTC, whatever its policy; mostly
    nothing."""
    return (*_completeness(claim), *_service_date(claim, submitted_on))


def _edit_of(kind: EditKind, claim: ClaimInput, policy: Policy) -> Edit | None:
    """A kind of rule that the policy has on other days only says nothing of this one."""
    rule, check = _CHECKS[kind]
    if policy.in_effect(rule, claim.service_date):
        return check(claim, policy)
    if policy.uses(rule):
        return _unchecked(kind, "no such rule was in force on that day")
    return None


def _code_validity(claim: ClaimInput) -> Edit:
    kind: EditKind = "code_validity"
    rule = _CODES_RULE
    for code in claim.diagnosis_codes:
        match icd10.standing(code):
            case "unknown":
                return _edit(rule, kind, "pend", f"{code} is not in ICD-10-CM")
            case "category":
                return _edit(rule, kind, "pend", f"{code} needs a more specific code")
    first = claim.diagnosis_codes[0]
    return _edit(rule, kind, "pass", f"{first} {icd10.title(first)}")


def _note(claim: ClaimInput) -> tuple[Edit, ...]:
    objection = objection_to(claim.clinical_note or "")
    return (_edit(_FORM_RULE, "note", "pend", objection),) if objection else ()


def _completeness(claim: ClaimInput) -> tuple[Edit, ...]:
    """Without them nobody knows who is paid for whom, nor whether it was billed before."""
    parties = {"member": claim.member_id, "provider": claim.provider_npi}
    if missing := [party for party, number in parties.items() if not number]:
        message = f"the claim names no {' and no '.join(missing)}"
        return (_edit(_FORM_RULE, "completeness", "pend", message),)
    return ()


def _service_date(claim: ClaimInput, submitted_on: date) -> tuple[Edit, ...]:
    """What has not been rendered yet is not paid."""
    if claim.service_date <= submitted_on:
        return ()
    message = "the day of service lies after the day on which the claim came in"
    return (_edit(_FORM_RULE, "service_date", "pend", message),)


def _coverage(claim: ClaimInput, policy: Policy) -> Edit:
    rules = policy.in_effect(Coverage, claim.service_date)
    covered = frozenset().union(*(rule.categories for rule in rules))
    categories = _categories(claim)
    for category in categories:
        if category not in covered:
            return _edit(rules[0].id, "coverage", "fail", f"{_wording(category)} is not covered")
    wording = ", ".join(_wording(category) for category in categories)
    return _if_known(claim, rules[0].id, "coverage", f"{wording} is covered")


def _exclusion(claim: ClaimInput, policy: Policy) -> Edit:
    rules = policy.in_effect(Exclusion, claim.service_date)
    for rule in rules:
        if rule.excludes(claim.procedure_codes, claim.diagnosis_codes):
            return _edit(rule.id, "exclusion", "fail", f"{rule.wording} is excluded")
    return _edit(rules[0].id, "exclusion", "pass", "not excluded")


def _authorization(claim: ClaimInput, policy: Policy) -> Edit:
    rules = policy.in_effect(Authorization, claim.service_date)
    for rule in rules:
        for category in _categories(claim):
            if category in rule.categories:
                return _authorized(claim, rule.id, category)
    return _if_known(claim, rules[0].id, "authorization", "not needed")


def _authorized(claim: ClaimInput, rule_id: str, category: str) -> Edit:
    given = claim.prior_authorization
    if given and is_authorization_number(given) and compared(given) not in _other_numbers(claim):
        return _if_known(claim, rule_id, "authorization", "on file")
    found = "no number of one is given" if given else "none on file"
    message = f"{_wording(category)} needs prior authorization, {found}"
    return _edit(rule_id, "authorization", "pend", message)


def _other_numbers(claim: ClaimInput) -> set[str]:
    """Of the claim: what stands in a wrong column is no number of an authorization."""
    ids = (claim.claim_id, claim.member_id, claim.policy_id, claim.provider_npi)
    codes = (*claim.procedure_codes, *map(without_modifiers, claim.procedure_codes))
    diagnoses = (*claim.diagnosis_codes, *(code.replace(".", "") for code in claim.diagnosis_codes))
    amounts = (str(claim.billed_amount), str(int(claim.billed_amount)))
    return {compared(number) for number in (*ids, *codes, *diagnoses, *amounts) if number}


def _limit(claim: ClaimInput, policy: Policy) -> Edit:
    rules = policy.in_effect(Limit, claim.service_date)
    schedule = fee_schedule()
    units = Counter(schedule.category_of(code) for code in claim.procedure_codes)
    for rule in rules:
        if (billed := units[rule.category]) > rule.units:
            message = f"{billed} units of {_wording(rule.category)}, limit {rule.units}"
            return _edit(rule.id, "limit", "fail", message)
    return _if_known(claim, rules[0].id, "limit", "within limits")


def _fee_schedule(claim: ClaimInput, policy: Policy) -> Edit:
    fees = allowance(claim, policy)
    assert fees is not None  # a rule is in force
    rule, allowed = fees.rule.id, fees.total
    if fees.without_fee:
        return _edit(rule, "fee_schedule", "pend", f"no fee is agreed for {fees.without_fee[0]}")
    if claim.billed_amount > fees.itemize_above:
        message = f"billed {claim.billed_amount}, allowed {allowed}: itemized bill needed"
        return _edit(rule, "fee_schedule", "pend", message)
    for modifier in _priced_modifiers(claim):
        message = f"no rule says what modifier {modifier} pays"
        return _edit(rule, "fee_schedule", "unchecked", message)
    return _edit(rule, "fee_schedule", "pass", f"allowed {allowed}")


def _priced_modifiers(claim: ClaimInput) -> list[str]:
    billed = (modifier for code in claim.procedure_codes for modifier in modifiers(code))
    return [modifier for modifier in billed if modifier not in fee_schedule().modifiers]


# The kinds of check that a policy's rules make, in the order in which they are shown.
_CHECKS: dict[EditKind, tuple[type[PolicyRule], Callable[[ClaimInput, Policy], Edit]]] = {
    "coverage": (Coverage, _coverage),
    "exclusion": (Exclusion, _exclusion),
    "authorization": (Authorization, _authorization),
    "limit": (Limit, _limit),
    "fee_schedule": (FeeRule, _fee_schedule),
}


def _if_known(claim: ClaimInput, rule_id: str, kind: EditKind, message: str) -> Edit:
    """A pass, if the rules know every service of the claim: they go by its category."""
    for code in claim.procedure_codes:
        if fee_schedule().category_of(code) is None:
            return _edit(rule_id, kind, "unchecked", f"no rule knows {code}")
    return _edit(rule_id, kind, "pass", message)


def _categories(claim: ClaimInput) -> tuple[str, ...]:
    return fee_schedule().categories_of(claim.procedure_codes)


def _wording(category: str) -> str:
    return fee_schedule().wording(category)


def _unchecked(kind: EditKind, message: str) -> Edit:
    return _edit(_POLICY_RULE, kind, "unchecked", message)


def _edit(rule_id: str, kind: EditKind, outcome: CheckOutcome, message: str) -> Edit:
    shortened = message
    if len(message) > _MESSAGE_CHARACTERS:
        shortened = f"{message[: _MESSAGE_CHARACTERS - 2].strip()} …"
    return Edit(rule_id=rule_id, kind=kind, outcome=outcome, source="caseloop", message=shortened)
