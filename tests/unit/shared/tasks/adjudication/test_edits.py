from datetime import date
from typing import Any

import pytest
from hypothesis import given

from shared.tasks.adjudication.edits import run_edits
from shared.tasks.adjudication.input import ClaimInput, Edit
from shared.tasks.adjudication.policy import policies, policy_of
from shared.tasks.adjudication.standing import complete
from tests.support.builders.claims import CLAIM, claims


def edits_of(**changes: Any) -> dict[str, Edit]:
    claim = complete(ClaimInput.model_validate(CLAIM | changes))
    assert len({edit.kind for edit in claim.edits}) == len(claim.edits)
    return {edit.kind: edit for edit in claim.edits}


def said(**changes: Any) -> dict[str, tuple[str, str]]:
    return {kind: (edit.outcome, edit.message) for kind, edit in edits_of(**changes).items()}


def test_a_clean_claim_passes_all_edits() -> None:
    edits = edits_of()
    assert [edit.outcome for edit in edits.values()] == ["pass"] * 6
    assert edits["code_validity"].message == "M54.50 Low back pain, unspecified"


@pytest.mark.parametrize(
    ("changes", "kind", "outcome", "rule_id", "says"),
    [
        ({"diagnosis_codes": ["M54.5"]}, "code_validity", "pend", "ICD-10-CM", "more specific"),
        (
            {"diagnosis_codes": ["M54.50", "M99.999"]},
            "code_validity",
            "pend",
            "ICD-10-CM",
            "not in",
        ),
        (
            {"policy_id": "SENIOR-CARE", "procedure_codes": ["43775"]},
            "coverage",
            "fail",
            "SEN-COV-1",
            "weight loss surgery is not covered",
        ),
        ({"procedure_codes": ["15780"]}, "exclusion", "fail", "CHO-EXC-1", "cosmetic"),
        ({"diagnosis_codes": ["Z41.1"]}, "exclusion", "fail", "CHO-EXC-1", "cosmetic"),
        (
            {"policy_id": "SENIOR-CARE", "procedure_codes": ["36470"]},
            "exclusion",
            "fail",
            "SEN-EXC-2",
            "spider veins",
        ),
        ({"procedure_codes": ["27447"]}, "authorization", "pend", "CHO-AUT-2", "none on file"),
        (
            {"procedure_codes": ["27447"], "prior_authorization": "PA-1234"},
            "authorization",
            "pass",
            "CHO-AUT-2",
            "on file",
        ),
        (
            {"procedure_codes": ["97110"] * 4 + ["97140"] * 2},
            "limit",
            "pass",
            "CHO-LIM-1",
            "within",
        ),
        (
            {"procedure_codes": ["97110"] * 4 + ["97140"] * 3},
            "limit",
            "fail",
            "CHO-LIM-1",
            "7 units of physical therapy, limit 6",
        ),
        ({"procedure_codes": ["00100"]}, "fee_schedule", "pend", "CHO-FEE-1", "no fee is agreed"),
        # 31.00 at 120 % is 37.20; an itemized bill is due above 160 % of that, 59.52.
        ({"billed_amount": "59.52"}, "fee_schedule", "pass", "CHO-FEE-1", "allowed 37.20"),
        ({"billed_amount": "59.53"}, "fee_schedule", "pend", "CHO-FEE-1", "itemized"),
    ],
)
def test_each_edit(
    changes: dict[str, Any], kind: str, outcome: str, rule_id: str, says: str
) -> None:
    edit = edits_of(**changes)[kind]
    assert (edit.outcome, edit.rule_id) == (outcome, rule_id)
    assert says in edit.message


def test_rules_count_by_the_day_of_service() -> None:
    heart_test = {"procedure_codes": ["93306"], "billed_amount": "200.00"}
    assert edits_of(**heart_test, service_date="2024-12-31")["authorization"].outcome == "pend"
    assert edits_of(**heart_test, service_date="2025-01-01")["authorization"].outcome == "pass"


def test_a_policy_that_we_do_not_hold_is_unchecked() -> None:
    assert said(policy_id="PPO-9") == {
        "code_validity": ("pass", "M54.50 Low back pain, unspecified"),
        "policy": ("unchecked", "policy PPO-9 is not held"),
    }


@pytest.mark.parametrize(
    "written",
    [
        "choice-ppo",
        "CHOICE-PPO\u200b",
        " Choice - PPO ",
        "\ufeffCHOICE-PPO",
        "CHOICE–PPO",
        "ＣＨＯＩＣＥ-PPO",
    ],
)
def test_a_policy_is_found_however_its_id_is_written(written: str) -> None:
    assert said(policy_id=written, procedure_codes=["30400"]) == said(procedure_codes=["30400"])
    assert said(policy_id=written, procedure_codes=["30400"])["exclusion"][0] == "fail"


@pytest.mark.parametrize("other", ["CHOICEPPO", "CHOICE_PPO", "CHOICE PPO", "CHOICE-PPO-2"])
def test_another_id_is_another_policy(other: str) -> None:
    assert said(policy_id=other)["policy"] == ("unchecked", f"policy {other} is not held")


def test_a_day_before_a_policys_first_rule_is_unchecked() -> None:
    assert said(service_date="2022-12-31")["policy"] == (
        "unchecked",
        "no rule of CHOICE-PPO was in force on that day",
    )


def test_a_kind_not_in_force_is_unchecked_and_one_never_used_is_not_asked() -> None:
    claim = ClaimInput.model_validate(CLAIM)
    held = policies()["CHOICE-PPO"]
    ended = [
        rule.model_copy(update={"ends": date(2026, 1, 31)}) if rule.kind == "coverage" else rule
        for rule in held.rules
        if rule.kind != "limit"
    ]
    edits = run_edits(claim, held.model_copy(update={"rules": tuple(ended)}))
    outcomes = {edit.kind: edit.outcome for edit in edits}
    assert outcomes == {
        "code_validity": "pass",
        "coverage": "unchecked",
        "exclusion": "pass",
        "authorization": "pass",
        "fee_schedule": "pass",
    }


@pytest.mark.parametrize("others", [[], ["97110"], ["27447"]])
def test_a_code_that_no_rule_knows_is_unchecked_whatever_stands_beside_it(
    others: list[str],
) -> None:
    edits = said(procedure_codes=[*others, "00100"], prior_authorization="PA-1234")
    unknown = ("unchecked", "no rule knows 00100")
    assert edits["coverage"] == edits["authorization"] == edits["limit"] == unknown
    assert edits["fee_schedule"] == ("pend", "no fee is agreed for 00100")


def test_what_fails_fails_also_beside_an_unknown_code() -> None:
    edits = said(policy_id="SENIOR-CARE", procedure_codes=["00100", "43775"])
    assert edits["coverage"] == ("fail", "weight loss surgery is not covered")
    edits = said(procedure_codes=["00100"] + ["97110"] * 7)
    assert edits["limit"] == ("fail", "7 units of physical therapy, limit 6")


def test_earlier_edits_are_replaced_not_added_to() -> None:
    claim = complete(ClaimInput.model_validate(CLAIM))
    assert complete(claim) == claim


@given(claims)
def test_every_claim_can_be_edited(claim: ClaimInput) -> None:
    edits = run_edits(claim, policy_of(claim.policy_id))
    assert edits == run_edits(claim, policy_of(claim.policy_id))
    checked = ClaimInput.model_validate(claim.model_dump() | {"edits": edits})
    assert checked.edits == edits
    if claim.prior_authorization:
        assert not any(e.kind == "authorization" and e.outcome == "pend" for e in edits)
