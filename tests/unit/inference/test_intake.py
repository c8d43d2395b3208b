"""A live claim is put to the model as an imported one was, and belongs to the same group."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from services.dataset_accumulator.labels import label_of_history
from services.inference.intake import case_of, refuse_future
from shared.clock import CLOCK_SKEW
from shared.errors import Rejected
from shared.tasks import TASKS
from shared.tasks.adjudication import standing
from tests.support.builders.events import ADJUDICATION, CAME_IN, NOW, claim_input, submitted

ROW = {
    "claim_id": "CLM-2026-0000123",
    "member_id": "M-0004711",
    "provider_npi": "9000000017",
    "policy_id": "CHOICE-PPO",
    "diagnosis_codes": "M54.16",
    "procedure_codes": "97110",
    "claim_amount": "118.00",
    "service_date": "2026-06-15",
    "clinical_note": "Leg pain on the right for two months.",
    "medical_analysis": "",
    "adjudication_decision": "supported",
    "final_decision": "APPROVED",
}


def test_a_claim_without_edits_reads_like_the_same_claim_in_the_history() -> None:
    claim = ADJUDICATION.history.read(ROW)
    past = label_of_history(ADJUDICATION, ROW["claim_id"], claim).input
    assert past["edits"]

    live = case_of(submitted(input=claim.input.model_dump(mode="json")))

    assert live.input == past
    assert ADJUDICATION.prompt(live.input) == ADJUDICATION.prompt(past)
    assert live.group_id == ADJUDICATION.group_of(ADJUDICATION.validate(past))


def test_equal_content_has_an_equal_hash_and_other_content_another() -> None:
    def hash_of(case_id: str = "case-1", **changes: Any) -> str:
        fields = {"input": claim_input(), **changes}
        return case_of(submitted(case_id, **fields)).content_sha256

    assert hash_of() == hash_of("case-2", occurred_at=NOW + timedelta(days=1))
    assert hash_of() == hash_of(input=claim_input() | {"member_id": " M-0004711 "})
    assert hash_of() != hash_of(input=claim_input(billed_amount="1.00"))
    assert hash_of() != hash_of(attempt=2)


def test_the_claim_is_the_one_that_the_input_names() -> None:
    """B05: the decision's claim was empty unless the envelope repeated the input's."""
    content = claim_input(claim_id="CLM-7")
    assert case_of(submitted(input=content)).claim_id == "CLM-7"
    assert case_of(submitted(input=content, claim_id="CLM-7")).claim_id == "CLM-7"

    with pytest.raises(Rejected, match=r"differs from input\.claim_id") as refused:
        case_of(submitted(input=content, claim_id="CLM-8"))
    assert refused.value.field == "claim_id"


def test_every_example_of_a_task_names_its_claim() -> None:
    for task in TASKS.values():
        for example in task.examples:
            found = case_of(submitted(task=task.name, input=dict(example)))
            assert found.claim_id == example[task.claim_field or ""]


def test_what_we_add_to_a_case_does_not_make_it_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its policy may change between two deliveries, and what the edits say with it."""
    claim = submitted(input=claim_input(edits=[]))
    before = case_of(claim)
    monkeypatch.setattr(standing, "policy_of", lambda _: None)

    after = case_of(claim)

    assert after.input["edits"] != before.input["edits"]
    assert after.content_sha256 == before.content_sha256


def test_the_edits_of_a_claims_system_stand_beside_ours() -> None:
    edit = {"rule_id": "R-1", "kind": "limit", "outcome": "fail", "message": "limit used up"}
    ours = case_of(submitted(input=claim_input(edits=[]))).input["edits"]

    found = case_of(submitted(input=claim_input(edits=[edit])))

    assert found.input["edits"] == [*ours, edit | {"source": "sender"}]
    assert {each["source"] for each in ours} == {"caseloop"}


def test_nobody_replaces_our_edits_with_some_that_pass_for_ours() -> None:
    excluded = claim_input(procedure_codes=["30400"], edits=[])
    ours = case_of(submitted(input=excluded)).input["edits"]
    passed = [edit | {"outcome": "pass", "message": "fine"} for edit in ours]

    found = case_of(submitted(input=excluded | {"edits": passed}))

    assert found.input["edits"] == ours
    assert [edit["kind"] for edit in ours if edit["outcome"] == "fail"] == ["exclusion"]


@pytest.mark.parametrize("outcome", ["fail", "pend", "unchecked"])
def test_a_senders_edit_that_passes_for_ours_counts_as_theirs(outcome: str) -> None:
    edit = {"rule_id": "R-1", "kind": "limit", "outcome": outcome, "message": "limit used up"}
    passed = edit | {"outcome": "pass", "source": "caseloop"}
    sent = [*[passed] * 50, *[edit | {"source": "caseloop"}] * 49, passed]

    case = case_of(submitted(input=claim_input(edits=sent)))

    assert edit | {"source": "sender"} in case.input["edits"]
    assert case.standing == ("unchecked" if outcome == "unchecked" else "open")
    mixed = [*[edit | {"outcome": "pass"}] * 50, edit | {"source": "caseloop"}]
    assert case_of(submitted(input=claim_input(edits=mixed))).standing == case.standing


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (["member_id"], "the claim names no member"),
        (["provider_npi"], "the claim names no provider"),
        (["member_id", "provider_npi"], "the claim names no member and no provider"),
    ],
)
def test_a_claim_that_comes_in_for_nobody_is_decided_by_people(
    missing: list[str], says: str
) -> None:
    """A row of the past without these columns is none: nobody is paid by it."""
    content = claim_input() | dict.fromkeys(missing)

    case = case_of(submitted(input=content))

    assert ("completeness", "pend", says) in [
        (edit["kind"], edit["outcome"], edit["message"]) for edit in case.input["edits"]
    ]
    assert f"completeness pend: {says}" in ADJUDICATION.prompt(case.input).user
    unsaid = case.model_copy(update={"input": case.input | {"edits": []}})
    assert case.standing == unsaid.standing == "open"
    assert ADJUDICATION.standing_of(ADJUDICATION.validate(content)) == "passed"


@pytest.mark.parametrize(
    ("service", "came_in", "outcome"),
    [
        ("2026-06-18", CAME_IN, None),
        ("2026-06-19", CAME_IN, "pend"),
        ("2062-06-15", CAME_IN, "pend"),
        ("2026-06-19", CAME_IN.astimezone(timezone(timedelta(hours=23))), "pend"),
        ("2026-06-18", CAME_IN.astimezone(timezone(timedelta(hours=-23))), None),
    ],
)
def test_a_service_that_lies_ahead_of_its_claim_is_decided_by_people(
    service: str, came_in: datetime, outcome: str | None
) -> None:
    """And stays so, whoever completes the case again. The day is that of UTC, whatever the offset
    that the sender writes."""
    forged = {"rule_id": "X", "kind": "service_date", "outcome": "pass", "message": "fine"}
    sent = claim_input(service_date=service, edits=[forged | {"source": "caseloop"}])

    case = case_of(submitted(input=sent, occurred_at=came_in))

    again = ADJUDICATION.complete(case.content)
    assert again == case.content
    edits = {edit.kind: edit.outcome for edit in again.edits}
    assert edits.get("service_date") == outcome
    assert case.standing == ("open" if outcome else "passed")
    assert ("service date pend" in ADJUDICATION.prompt(case.input).user) == bool(outcome)


def test_no_case_comes_in_later_than_now() -> None:
    """Its sender could choose the day by which its service counts as rendered."""
    refuse_future(submitted(occurred_at=NOW + CLOCK_SKEW), now=NOW)
    with pytest.raises(Rejected, match="lies in the future") as refused:
        refuse_future(submitted(occurred_at=NOW + CLOCK_SKEW + timedelta(seconds=1)), now=NOW)
    assert refused.value.field == "occurred_at"


def test_the_hash_is_of_what_was_submitted() -> None:
    edit = {"rule_id": "R-1", "kind": "limit", "outcome": "fail", "message": "limit used up"}

    def hash_of(*edits: Any) -> str:
        return case_of(submitted(input=claim_input(edits=edits))).content_sha256

    assert hash_of(edit) == hash_of(edit | {"source": "sender"}) != hash_of()
    assert hash_of(edit) != hash_of(edit | {"outcome": "pass"})


def test_nobody_chooses_his_group() -> None:
    """One member under two groups would be on both sides of a split."""
    found = case_of(submitted(group_id="household-7", input=claim_input(member_id="M-1")))

    assert found.group_id == "member:M-1"
