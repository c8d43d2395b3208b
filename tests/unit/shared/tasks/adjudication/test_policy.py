import re
from datetime import date

import pytest
from pydantic import ValidationError

from shared.tasks.adjudication.policy import (
    Authorization,
    Coverage,
    Exclusion,
    FeeRule,
    FeeSchedule,
    Limit,
    Policy,
    PolicyRule,
    fee_schedule,
    policies,
)

RULE = {
    "id": "R-1",
    "kind": "limit",
    "effective": "2026-01-01",
    "category": "nutrition",
    "units": 1,
    "text": "At most 1 unit.",
}


def test_every_policy_has_the_rules_that_an_adjudicator_needs() -> None:
    assert set(policies()) == {"ESSENTIAL-HMO", "CHOICE-PPO", "SENIOR-CARE"}
    for policy in policies().values():
        kinds = {rule.kind for rule in policy.rules}
        assert kinds == {"coverage", "exclusion", "authorization", "limit", "fee_schedule"}
        assert len(policy.in_effect(FeeRule, date(2026, 6, 1))) == 1


def test_rule_ids_are_unique_across_policies() -> None:
    ids = [rule.id for policy in policies().values() for rule in policy.rules]
    assert len(ids) == len(set(ids))


RULES = [rule for policy in policies().values() for rule in policy.rules]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_a_rule_says_is_what_the_edits_check(rule: PolicyRule) -> None:
    """An adjudicator quotes the text; the edits go by the other fields."""
    match rule:
        case Coverage() | Authorization():
            assert categories_named(rule.text) == rule.categories
        case Exclusion():
            assert set(re.findall(r"\b\d{5}\b", rule.text)) == rule.procedure_codes
            assert set(re.findall(r"[A-Z]\d\d[.\d]+\d", rule.text)) == set(rule.diagnosis_codes)
            assert rule.wording in rule.text.lower()
        case Limit():
            assert categories_named(rule.text) == {rule.category}
            assert re.findall(r"(\d+) units? ", rule.text) == [str(rule.units)]
        case FeeRule():
            assert re.findall(r"(\d+) %", rule.text) == [
                str(rule.percent),
                str(rule.itemize_above),
            ]


def categories_named(text: str) -> set[str]:
    categories = fee_schedule().categories.items()
    return {name for name, category in categories if category.wording in text}


def test_a_rule_without_its_text_is_refused() -> None:
    policy = {"policy_id": "P", "title": "P", "version": 1, "effective": "2026-01-01"}
    with pytest.raises(ValidationError, match="text"):
        Policy.model_validate(policy | {"rules": [RULE | {"text": " "}]})


@pytest.mark.parametrize(
    ("day", "rule_id"),
    [("2022-12-31", None), ("2024-12-31", "CHO-AUT-1"), ("2025-01-01", "CHO-AUT-2")],
)
def test_the_day_of_service_chooses_the_rule(day: str, rule_id: str | None) -> None:
    rules = policies()["CHOICE-PPO"].in_effect(Authorization, date.fromisoformat(day))
    assert [rule.id for rule in rules] == ([rule_id] if rule_id else [])


def test_a_benefit_added_later_counts_from_its_day() -> None:
    policy = policies()["ESSENTIAL-HMO"]
    assert len(policy.in_effect(Coverage, date(2025, 12, 31))) == 1
    assert len(policy.in_effect(Coverage, date(2026, 1, 1))) == 2


def test_two_rules_of_one_id_are_refused() -> None:
    policy = policies()["CHOICE-PPO"].model_dump()
    Policy.model_validate(policy | {"rules": [*policy["rules"], RULE]})
    with pytest.raises(ValidationError, match="two rules of one id"):
        Policy.model_validate(policy | {"rules": [*policy["rules"], RULE, RULE]})


def test_a_policy_says_what_it_covers_and_what_it_pays() -> None:
    held = policies()["CHOICE-PPO"]
    for kind in (Coverage, FeeRule):
        rules = [rule.model_dump() for rule in held.rules if not isinstance(rule, kind)]
        with pytest.raises(ValidationError, match="needs rules of the kinds coverage and fee"):
            Policy.model_validate(held.model_dump() | {"rules": rules})


def test_a_code_in_two_categories_is_refused() -> None:
    category = {"wording": "visit", "fees": {"99213": 90}}
    schedule = {"version": "1", "effective": "2026-01-01", "categories": {"a": category}}
    FeeSchedule.model_validate(schedule)
    with pytest.raises(ValidationError, match="two categories"):
        FeeSchedule.model_validate(schedule | {"categories": {"a": category, "b": category}})


def test_fees_are_positive_and_found_by_code() -> None:
    schedule = fee_schedule()
    assert schedule.category_of("97110") == "physical_therapy"
    assert schedule.category_of("00100") is None
    assert schedule.fee("00100") == 0
    assert all(fee > 0 for c in schedule.categories.values() for fee in c.fees.values())
