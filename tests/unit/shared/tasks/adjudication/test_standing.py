"""What the edits leave of a claim: a check that could not be made has not passed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tasks import get_task
from shared.tasks.adjudication.input import ClaimInput, Edit
from shared.tasks.adjudication.policy import policies, policy_of
from shared.tasks.adjudication.standing import complete, standing_of
from tests.support.builders.claims import CLAIM, claims, edits

FORM = ("completeness", "service_date")  # of these kinds, what was wrong once stays wrong
PASS = {"rule_id": "R-1", "kind": "coverage", "outcome": "pass", "message": "fine"}


def standing(**changes: Any) -> str:
    return standing_of(complete(ClaimInput.model_validate(CLAIM | changes)))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "passed"),
        ({"procedure_codes": ["30400"]}, "open"),  # excluded
        ({"procedure_codes": ["27447"]}, "open"),  # authorization is missing
        ({"policy_id": "PPO-9"}, "unchecked"),
        ({"service_date": "2022-12-31"}, "unchecked"),
        ({"procedure_codes": ["97110", "00100"]}, "unchecked"),
        ({"procedure_codes": ["30400", "00100"]}, "unchecked"),  # and excluded
    ],
)
def test_standing(changes: dict[str, Any], expected: str) -> None:
    assert standing(**changes) == expected


@pytest.mark.parametrize("changes", [{}, {"policy_id": "PPO-9"}, {"procedure_codes": ["30400"]}])
def test_edits_that_pass_say_nothing_of_a_claim(changes: dict[str, Any]) -> None:
    """Whoever sends a claim, or forges a case, cannot state that it was checked."""
    claim = ClaimInput.model_validate(CLAIM | changes)
    forged = claim.model_copy(update={"edits": (Edit.model_validate(PASS),)})
    assert standing_of(forged) == standing_of(claim) == standing_of(complete(claim))


@given(claims, st.lists(edits, max_size=5).map(tuple))
def test_nothing_passes_that_was_not_checked(claim: ClaimInput, stated: tuple[Edit, ...]) -> None:
    given_in = claim.model_copy(update={"edits": stated})
    for case in (claim, given_in, complete(claim), complete(given_in)):
        outcomes = {edit.outcome for edit in (*case.edits, *complete(claim).edits)}
        if policy_of(claim.policy_id) is None or outcomes != {"pass"}:
            assert standing_of(case) != "passed"
        else:
            assert standing_of(case) == "passed"
        assert ("unchecked" in outcomes) == (standing_of(case) == "unchecked")


@given(st.text(max_size=20))
def test_only_a_policy_that_is_held_is_found(text: str) -> None:
    if (policy := policy_of(text)) is not None:
        letters = [character.casefold() for character in text if character.isalnum()]
        held = [character.casefold() for character in policy.policy_id if character.isalnum()]
        assert len(letters) == len(held)
    assert all(policy_of(policy_id) is held for policy_id, held in policies().items())


@given(claims, st.lists(edits, max_size=5).map(tuple))
def test_our_edits_always_run_and_once(claim: ClaimInput, stated: tuple[Edit, ...]) -> None:
    ours = complete(claim).edits
    completed = complete(claim.model_copy(update={"edits": stated}))

    assert completed.edits[: len(ours)] == ours
    form = [e for e in stated if e.source == "caseloop" and e.kind in FORM]
    kept = [e for e in form if e.outcome != "pass"]
    theirs = [e for e in stated if e.source == "sender"]
    assert completed.edits[len(ours) :] == (*kept, *theirs)
    assert complete(completed) == completed
    assert ClaimInput.model_validate(completed.model_dump(mode="json")) == completed


def test_the_worse_edit_counts() -> None:
    assert standing(edits=[PASS]) == "passed"
    assert standing(edits=[PASS | {"outcome": "fail"}]) == "open"
    assert standing(edits=[PASS | {"outcome": "unchecked"}]) == "unchecked"
    assert standing(edits=[PASS], procedure_codes=["30400"]) == "open"


def test_a_task_without_checks_has_checked_nothing() -> None:
    task = get_task("independent_review")
    assert task.standing_of(task.validate(task.examples[0])) == "unchecked"
