"""What an adjudicator is shown beside a claim, and may quote."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tasks.adjudication import ADJUDICATION
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.policy import fee_schedule, policies
from shared.tasks.adjudication.presentation import panels_of, rules_of, title_of_code
from shared.tasks.adjudication.standing import complete
from shared.tasks.presentation import CodeTitle, Panel, Rule

CLAIM: dict[str, Any] = {
    "claim_id": "CLM-1",
    "policy_id": "CHOICE-PPO",
    "service_date": "2026-06-15",
    "diagnosis_codes": ["M54.50"],
    "procedure_codes": ["97110"],
    "billed_amount": "37.00",
}


def claim_of(**changes: Any) -> ClaimInput:
    return ClaimInput.model_validate(CLAIM | changes)


def edit(rule_id: str, outcome: str) -> dict[str, str]:
    return {"rule_id": rule_id, "kind": "limit", "outcome": outcome, "message": "said"}


def ids(claim: ClaimInput) -> list[str]:
    return [rule.rule_id for rule in rules_of(claim)]


def fees(claim: ClaimInput) -> Panel:
    [panel] = panels_of(claim)
    return panel


@pytest.mark.parametrize(
    ("field", "code", "title"),
    [
        (
            "diagnosis_codes",
            "M54.50",
            CodeTitle(
                "Low back pain, unspecified",
                "Diseases of the musculoskeletal system and connective tissue (M00-M99)",
            ),
        ),
        ("diagnosis_codes", "M99.999", None),
        ("procedure_codes", "97110", CodeTitle("Physical therapy")),
        ("procedure_codes", "00100", None),
        ("claim_id", "M54.50", None),
    ],
)
def test_codes_have_titles(field: str, code: str, title: CodeTitle | None) -> None:
    assert title_of_code(field, code) == title


def test_procedures_are_named_by_our_own_categories_only() -> None:
    ours = {category.wording for category in fee_schedule().categories.values()}
    for category in fee_schedule().categories.values():
        for code in category.fees:
            title = title_of_code("procedure_codes", code)
            assert title is not None
            assert title.title.lower() in {wording.lower() for wording in ours}


def test_a_rule_is_quoted_with_all_that_a_denial_must_name() -> None:
    claim = claim_of(procedure_codes=["97110"] * 7, edits=[edit("CHO-LIM-1", "fail")])

    assert rules_of(claim)[0] == Rule(
        rule_id="CHO-LIM-1",
        source="Choice PPO",
        version="5",
        effective_date=date(2023, 1, 1),
        text="CHO-LIM-1: At most 6 units of physical therapy are covered in one claim.",
        outcome="fail",
    )


def test_what_the_edits_name_comes_first_the_worst_before_the_rest() -> None:
    edits = [edit("CHO-COV-1", "pass"), edit("CHO-FEE-1", "pend"), edit("CHO-EXC-1", "fail")]
    claim = claim_of(edits=edits)

    assert ids(claim) == ["CHO-EXC-1", "CHO-FEE-1", "CHO-COV-1", "CHO-LIM-1"]
    assert [rule.outcome for rule in rules_of(claim)] == ["fail", "pend", "pass", None]


def test_of_a_rule_that_is_named_twice_the_worst_counts() -> None:
    claim = claim_of(edits=[edit("CHO-LIM-1", "pass"), edit("CHO-LIM-1", "fail")])

    assert ids(claim).count("CHO-LIM-1") == 1
    assert rules_of(claim)[0].outcome == "fail"


@pytest.mark.parametrize(
    ("changes", "touching"),
    [
        ({}, {"CHO-LIM-1"}),
        ({"procedure_codes": ["27447"]}, {"CHO-AUT-2"}),
        ({"procedure_codes": ["30400"]}, {"CHO-AUT-2", "CHO-EXC-1"}),
        ({"diagnosis_codes": ["M54.50", "Z41.1"]}, {"CHO-LIM-1", "CHO-EXC-1"}),
        ({"procedure_codes": ["00100"]}, set()),
        ({"procedure_codes": ["97153"], "service_date": "2025-01-01"}, {"CHO-LIM-3"}),
        ({"procedure_codes": ["97153"], "service_date": "2024-12-31"}, set()),
        ({"procedure_codes": ["93306"], "service_date": "2024-12-31"}, {"CHO-AUT-1"}),
        ({"procedure_codes": ["93306"], "service_date": "2025-01-01"}, set()),
    ],
)
def test_without_edits_the_rules_of_that_day_that_touch_the_claim_are_there(
    changes: dict[str, Any], touching: set[str]
) -> None:
    """Coverage and fees always are: what is covered, and how much is paid, is always asked."""
    assert set(ids(claim_of(**changes))) == {"CHO-COV-1", "CHO-FEE-1"} | touching


def test_no_rule_is_quoted_that_was_not_in_effect() -> None:
    assert ids(claim_of(service_date="2022-12-31", edits=[edit("CHO-LIM-1", "fail")])) == []


def test_a_policy_that_we_do_not_hold_has_nothing_to_quote_and_no_amounts() -> None:
    claim = claim_of(policy_id="ELSEWHERE", edits=[edit("X-1", "fail")])

    assert rules_of(claim) == ()
    assert panels_of(claim) == ()


def test_the_amounts_stand_against_the_fee_schedule() -> None:
    panel = fees(claim_of(procedure_codes=["97110", "97110", "97140"], billed_amount="118.00"))

    assert panel.columns == ("Procedure", "Service", "Units", "Fee per unit", "Allowed")
    assert panel.rows == (
        ("97110", "Physical therapy", "2", "$31.00", "$74.40"),
        ("97140", "Physical therapy", "1", "$29.00", "$34.80"),
    )
    assert panel.totals == (
        ("Allowed", "$109.20"),
        ("Billed", "$118.00"),
        ("Difference", "+$8.80"),
    )
    assert "120 %" in panel.note
    assert "$174.72" in panel.note


@pytest.mark.parametrize(
    ("billed", "difference"), [("37.20", "$0.00"), ("36.20", "−$1.00"), ("1037.20", "+$1,000.00")]
)
def test_the_difference_says_on_which_side_it_is(billed: str, difference: str) -> None:
    assert fees(claim_of(billed_amount=billed)).totals[-1] == ("Difference", difference)


def test_a_procedure_without_a_fee_is_said() -> None:
    panel = fees(claim_of(procedure_codes=["97110", "00100"]))

    assert panel.rows[1] == ("00100", "not in the fee schedule", "1", "none", "")
    assert "No fee is agreed for 00100." in panel.note


def test_what_could_not_be_checked_is_said_once_with_its_reason() -> None:
    unchecked = ADJUDICATION.presentation.unchecked_of
    assert unchecked(complete(claim_of())) == ()
    assert unchecked(complete(claim_of(policy_id="PPO-9"))) == ("policy PPO-9 is not held",)
    assert unchecked(complete(claim_of(procedure_codes=["00100"]))) == (
        "coverage, authorization, limit: no rule knows 00100",
    )


listed = st.sampled_from([c for v in fee_schedule().categories.values() for c in v.fees])
claims = st.builds(
    ClaimInput,
    claim_id=st.just("CLM-1"),
    policy_id=st.sampled_from([*policies(), "ELSEWHERE"]),
    service_date=st.dates(date(2022, 1, 1), date(2027, 1, 1)),
    diagnosis_codes=st.just(["M54.50"]) | st.just(["Z41.1"]),
    procedure_codes=st.lists(listed | st.just("00100"), min_size=1, max_size=20),
    billed_amount=st.decimals(min_value="0.01", max_value=10_000_000, places=2),
)


@given(claims)
def test_every_edit_of_a_policy_leads_to_its_rule(claim: ClaimInput) -> None:
    edited = complete(claim)
    outcomes = {rule.rule_id: rule.outcome for rule in rules_of(edited)}

    for said in edited.edits:
        if said.rule_id not in ("ICD-10-CM", "CLAIM-FORM", "POLICY"):
            assert outcomes[said.rule_id] == said.outcome
    for panel in ADJUDICATION.presentation.panels_of(edited):
        assert {len(row) for row in panel.rows} == {len(panel.columns)}
