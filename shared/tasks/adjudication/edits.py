"""Edits: the deterministic checks that run before anybody judges a claim.

Pure functions of claim and policy, so that the same claim has the same edits forever. Each
kind of check gives one edit; a kind for which the policy has no rule in effect gives none.
"""

from collections import Counter

from shared.tasks.adjudication import icd10
from shared.tasks.adjudication.fees import allowance
from shared.tasks.adjudication.input import ClaimInput, Edit
from shared.tasks.adjudication.policy import (
    Authorization,
    Coverage,
    Exclusion,
    Limit,
    Policy,
    fee_schedule,
    policies,
)
from shared.tasks.task import Standing

_CODES_RULE = "ICD-10-CM"
_MESSAGE_CHARACTERS = 200


def complete(claim: ClaimInput) -> ClaimInput:
    """A claims system that runs edits sends its own; for the others ours are run."""
    return claim if claim.edits else with_edits(claim)


def with_edits(claim: ClaimInput) -> ClaimInput:
    """The claim with the edits of its policy; a policy that we do not hold checks codes only."""
    return claim.model_copy(update={"edits": run_edits(claim, policies().get(claim.policy_id))})


def standing_of(claim: ClaimInput) -> Standing:
    """`passed` only if edits ran and every one of them passed."""
    if not claim.edits:
        return "unchecked"
    return "passed" if all(edit.outcome == "pass" for edit in claim.edits) else "open"


def run_edits(claim: ClaimInput, policy: Policy | None) -> tuple[Edit, ...]:
    """All edits of the claim, code validity first."""
    edits: list[Edit | None] = [_code_validity(claim)]
    if policy is not None:
        checks = (_coverage, _exclusion, _authorization, _limit, _fee_schedule)
        edits += [check(claim, policy) for check in checks]
    return tuple(edit for edit in edits if edit is not None)


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
        if rule.excludes(claim.procedure_codes, claim.diagnosis_codes):
            return _edit(rule.id, "exclusion", "fail", f"{rule.wording} is excluded")
    return _edit(rules[0].id, "exclusion", "pass", "not excluded") if rules else None


def _authorization(claim: ClaimInput, policy: Policy) -> Edit | None:
    rules = policy.in_effect(Authorization, claim.service_date)
    for rule in rules:
        for category in _categories(claim):
            if category in rule.categories:
                return _authorized(claim, rule.id, category)
    return _edit(rules[0].id, "authorization", "pass", "not needed") if rules else None


def _authorized(claim: ClaimInput, rule_id: str, category: str) -> Edit:
    if claim.prior_authorization:
        return _edit(rule_id, "authorization", "pass", "on file")
    message = f"{_wording(category)} needs prior authorization, none on file"
    return _edit(rule_id, "authorization", "pend", message)


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
    fees = allowance(claim, policy)
    if fees is None:
        return None
    rule, allowed = fees.rule.id, fees.total
    if fees.without_fee:
        return _edit(rule, "fee_schedule", "pend", f"no fee is agreed for {fees.without_fee[0]}")
    if claim.billed_amount > fees.itemize_above:
        message = f"billed {claim.billed_amount}, allowed {allowed}: itemized bill needed"
        return _edit(rule, "fee_schedule", "pend", message)
    return _edit(rule, "fee_schedule", "pass", f"allowed {allowed}")


def _categories(claim: ClaimInput) -> tuple[str, ...]:
    return fee_schedule().categories_of(claim.procedure_codes)


def _wording(category: str) -> str:
    return fee_schedule().wording(category)


def _edit(rule_id: str, kind: str, outcome: str, message: str) -> Edit:
    shortened = message[:_MESSAGE_CHARACTERS].strip()
    return Edit.model_validate(
        {"rule_id": rule_id, "kind": kind, "outcome": outcome, "message": shortened}
    )
