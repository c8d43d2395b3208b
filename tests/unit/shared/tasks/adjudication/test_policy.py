from datetime import date

import pytest
from pydantic import ValidationError

from shared.tasks.adjudication.policy import (
    Authorisation,
    Coverage,
    FeeRule,
    FeeSchedule,
    Policy,
    fee_schedule,
    policies,
)

RULE = {
    "id": "R-1",
    "kind": "limit",
    "effective": "2026-01-01",
    "category": "nutrition",
    "units": 1,
}


def test_every_policy_has_the_rules_that_an_adjudicator_needs() -> None:
    assert set(policies()) == {"ESSENTIAL-HMO", "CHOICE-PPO", "SENIOR-CARE"}
    for policy in policies().values():
        kinds = {rule.kind for rule in policy.rules}
        assert kinds == {"coverage", "exclusion", "authorisation", "limit", "fee_schedule"}
        assert len(policy.in_effect(FeeRule, date(2026, 6, 1))) == 1


def test_rule_ids_are_unique_across_policies() -> None:
    ids = [rule.id for policy in policies().values() for rule in policy.rules]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("day", "rule_id"),
    [("2022-12-31", None), ("2024-12-31", "CHO-AUT-1"), ("2025-01-01", "CHO-AUT-2")],
)
def test_the_day_of_service_chooses_the_rule(day: str, rule_id: str | None) -> None:
    rules = policies()["CHOICE-PPO"].in_effect(Authorisation, date.fromisoformat(day))
    assert [rule.id for rule in rules] == ([rule_id] if rule_id else [])


def test_a_benefit_added_later_counts_from_its_day() -> None:
    policy = policies()["ESSENTIAL-HMO"]
    assert len(policy.in_effect(Coverage, date(2025, 12, 31))) == 1
    assert len(policy.in_effect(Coverage, date(2026, 1, 1))) == 2


def test_two_rules_of_one_id_are_refused() -> None:
    policy = {"policy_id": "P", "title": "P", "version": 1, "effective": "2026-01-01"}
    Policy.model_validate(policy | {"rules": [RULE]})
    with pytest.raises(ValidationError, match="two rules of one id"):
        Policy.model_validate(policy | {"rules": [RULE, RULE]})


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
