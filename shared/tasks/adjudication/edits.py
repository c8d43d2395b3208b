"""Edits: the deterministic checks that run before anybody judges a claim.

Pure functions of claim and policy, so that the same claim has the same edits for ever. Each
kind of check gives one edit; a kind for which the policy has no rule in effect gives none.
"""

from collections import Counter
from decimal import Decimal

from shared.tasks.adjudication import icd10
from shared.tasks.adjudication.claim import ClaimInput, Edit
from shared.tasks.adjudication.policy import (
    Authorisation,
    Coverage,
    Exclusion,
    FeeRule,
    Limit,
    Policy,
    fee_schedule,
    policies,
)

_CODES_RULE = "ICD-10-CM"
_MESSAGE_CHARACTERS = 200


def with_edits(claim: ClaimInput) -> ClaimInput:
    """The claim with the edits of its policy; a policy that we do not hold checks codes only."""
    return claim.model_copy(update={"edits": run_edits(claim, policies().get(claim.policy_id))})


def run_edits(claim: ClaimInput, policy: Policy | None) -> tuple[Edit, ...]:
    """All edits of the claim, code validity first."""
    found: list[Edit | None] = [_code_validity(claim)]
    if policy is not None:
        checks = (_coverage, _exclusion, _authorisation, _limit, _fee_schedule)
        found += [check(claim, policy) for check in checks]
    return tuple(edit for edit in found if edit is not None)


def _code_validity(claim: ClaimInput) -> Edit:
    kind, rule = "code_validity", _CODES_RULE
    for code in claim.diagnosis_codes:
        match icd10.standing(code):
            case "unknown":
                return _edit(rule, kind, "pend", f"{code} is not in ICD-10-CM")
            case "category":
                return _edit(rule, kind, "pend", f"{code} needs a more specific code")
    first = claim.diagnosis_codes[0]
    return _edit(rule, kind, "pass", f"{first} {icd10.title(first)}")


def _coverage(claim: ClaimInput, policy: Policy) -> Edit | None:
    rules = policy.in_effect(Coverage, claim.service_date)
    categories = _categories(claim)
    if not rules or not categories:
        return None
    covered = frozenset().union(*(rule.categories for rule in rules))
    for category in categories:
        if category not in covered:
            return _edit(rules[0].id, "coverage", "fail", f"{_wording(category)} is not covered")
    wording = ", ".join(_wording(category) for category in categories)
    return _edit(rules[0].id, "coverage", "pass", f"{wording} is covered")


def _exclusion(claim: ClaimInput, policy: Policy) -> Edit | None:
    rules = policy.in_effect(Exclusion, claim.service_date)
    for rule in rules:
        procedure = not rule.procedure_codes.isdisjoint(claim.procedure_codes)
        diagnosis = any(code.startswith(rule.diagnosis_codes) for code in claim.diagnosis_codes)
        if procedure or diagnosis:
            return _edit(rule.id, "exclusion", "fail", f"{rule.wording} is excluded")
    return _edit(rules[0].id, "exclusion", "pass", "not excluded") if rules else None


def _authorisation(claim: ClaimInput, policy: Policy) -> Edit | None:
    rules = policy.in_effect(Authorisation, claim.service_date)
    for rule in rules:
        for category in _categories(claim):
            if category in rule.categories:
                return _authorised(claim, rule.id, category)
    return _edit(rules[0].id, "authorisation", "pass", "not needed") if rules else None


def _authorised(claim: ClaimInput, rule_id: str, category: str) -> Edit:
    if claim.prior_authorization:
        return _edit(rule_id, "authorisation", "pass", "on file")
    message = f"{_wording(category)} needs prior authorisation, none on file"
    return _edit(rule_id, "authorisation", "pend", message)


def _limit(claim: ClaimInput, policy: Policy) -> Edit | None:
    rules = policy.in_effect(Limit, claim.service_date)
    schedule = fee_schedule()
    units = Counter(schedule.category_of(code) for code in claim.procedure_codes)
    for rule in rules:
        if (billed := units[rule.category]) > rule.units:
            message = f"{billed} units of {_wording(rule.category)}, limit {rule.units}"
            return _edit(rule.id, "limit", "fail", message)
    return _edit(rules[0].id, "limit", "pass", "within limits") if rules else None


def _fee_schedule(claim: ClaimInput, policy: Policy) -> Edit | None:
    rules = policy.in_effect(FeeRule, claim.service_date)
    if not rules:
        return None
    rule, schedule = rules[0], fee_schedule()
    for code in claim.procedure_codes:
        if schedule.category_of(code) is None:
            return _edit(rule.id, "fee_schedule", "pend", f"no fee is agreed for {code}")
    allowed = _percent(sum(map(schedule.fee, claim.procedure_codes), Decimal(0)), rule.percent)
    if claim.billed_amount > _percent(allowed, rule.itemise_above):
        message = f"billed {claim.billed_amount}, allowed {allowed}: itemised bill needed"
        return _edit(rule.id, "fee_schedule", "pend", message)
    return _edit(rule.id, "fee_schedule", "pass", f"allowed {allowed}")


def _categories(claim: ClaimInput) -> tuple[str, ...]:
    """The service categories billed, each once, in the claim's order."""
    schedule = fee_schedule()
    found = (schedule.category_of(code) for code in claim.procedure_codes)
    return tuple(dict.fromkeys(category for category in found if category))


def _wording(category: str) -> str:
    return fee_schedule().categories[category].wording


def _percent(amount: Decimal, percent: int) -> Decimal:
    return (amount * percent / 100).quantize(Decimal("0.01"))


def _edit(rule_id: str, kind: str, outcome: str, message: str) -> Edit:
    shortened = message[:_MESSAGE_CHARACTERS].strip()
    return Edit.model_validate(
        {"rule_id": rule_id, "kind": kind, "outcome": outcome, "message": shortened}
    )
