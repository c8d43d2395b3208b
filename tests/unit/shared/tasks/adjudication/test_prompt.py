from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.tasks.adjudication import ADJUDICATION
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.prompt import render
from shared.tasks.adjudication.standing import complete


def edit(kind: str, outcome: str, message: str, source: str = "caseloop") -> dict[str, str]:
    said = {"kind": kind, "outcome": outcome, "message": message}
    return {"rule_id": "R-1", "source": source, **said}


CLAIM: dict[str, Any] = {
    "claim_id": "CLM-4711",
    "member_id": "M-0815",
    "policy_id": "CHOICE-PPO",
    "provider_npi": "9000000017",
    "service_date": "2026-06-15",
    "diagnosis_codes": ["M54.50"],
    "procedure_codes": ["97110", "97140", "97110"],
    "billed_amount": "118.00",
    "prior_authorization": "PA-99",
    "clinical_note": "Back pain, no better after six weeks of exercises.",
    "edits": [
        edit("code_validity", "pass", "fine"),
        edit("limit", "fail", "7 units, limit 6"),
        edit("fee_schedule", "pend", "itemize"),
    ],
}


def user(**changes: Any) -> str:
    return render(ClaimInput.model_validate(CLAIM | changes)).user


def test_the_whole_text() -> None:
    assert user() == (
        "Procedures 97110 x2, 97140 for M54.50, 118.00 USD.\n"
        "Edits: limit fail: 7 units, limit 6; fee schedule pend: itemize.\n"
        "Note: Back pain, no better after six weeks of exercises."
    )


def test_what_is_absent_is_said() -> None:
    assert "Edits: all pass." in user(edits=CLAIM["edits"][:1])
    text = user(edits=[], clinical_note=None)
    assert "Edits: none ran." in text
    assert text.endswith("Note: none")


def test_what_was_not_checked_is_said_without_the_policys_id() -> None:
    claim = complete(ClaimInput.model_validate(CLAIM | {"policy_id": "PPO-9"}))
    assert "Edits: policy unchecked: policy [id] is not held.\n" in render(claim).user
    claim = complete(ClaimInput.model_validate(CLAIM | {"procedure_codes": ["00100"]}))
    assert render(claim).user.splitlines()[1] == (
        "Edits: fee schedule pend: no fee is agreed for 00100; "
        "coverage, authorization, limit unchecked: no rule knows 00100."
    )


def test_what_the_sender_found_is_said_as_theirs_and_once() -> None:
    ours = edit("limit", "fail", "7 units, limit 6")
    theirs = [
        edit("coverage", "fail", "not covered", "sender"),
        edit("limit", "fail", "7 units, limit 6", "sender"),
        edit("limit", "fail", "7 units, limit 6", "sender"),
        edit("authorization", "unchecked", "no answer", "sender"),
    ]
    assert user(edits=[ours, *theirs]).splitlines()[1] == (
        "Edits: limit fail: 7 units, limit 6; sender's coverage fail: not covered; "
        "sender's authorization unchecked: no answer."
    )


def test_no_claim_reaches_a_model_without_our_edits() -> None:
    """Neither a claim without edits nor one whose sender says that all is well."""
    fine = [edit(kind, "pass", "fine") for kind in ("coverage", "exclusion", "authorization")]
    for stated in ([], fine, [{**each, "source": "sender"} for each in fine]):
        excluded = CLAIM | {"procedure_codes": ["30400"], "edits": stated}
        assert "exclusion fail: cosmetic service" in ADJUDICATION.prompt(excluded).user


def test_a_long_note_is_read_to_its_end() -> None:
    """What stands behind the first page may say that the claim is wrong."""
    tail = "Entered in error: wrong patient, the service was never performed."
    assert user(clinical_note=f"{'word ' * 3000}{tail}").endswith(tail)


def test_no_edit_is_left_out_because_there_are_many() -> None:
    text = user(edits=[edit("limit", "pend", f"itemize {n} {'x' * 180}") for n in range(50)])
    assert all(f"itemize {n} x" in text for n in range(50))


identifier = st.from_regex(r"[A-Z]{1,3}-?[0-9]{4,9}", fullmatch=True)


@given(member=identifier, claim=identifier, authorization=identifier)
def test_no_identifier_reaches_the_prompt(member: str, claim: str, authorization: str) -> None:
    npi = "9000000017"
    named = f"Member {member.lower()}, claim {claim} ({authorization}), by {npi}."
    text = user(
        member_id=member,
        claim_id=claim,
        prior_authorization=authorization,
        clinical_note=named,
        edits=[edit("limit", "fail", f"see {claim}.")],
    )
    for hidden in (member, claim, authorization, npi, "CHOICE-PPO", "2026-06-15"):
        assert hidden.lower() not in text.lower()


def test_an_identifier_inside_a_word_is_left_alone() -> None:
    assert "97110" in user(member_id="7")
    assert user(member_id="ain").endswith("Back pain, no better after six weeks of exercises.")


def test_the_note_is_one_line() -> None:
    text = user(clinical_note="one\n\n  two\tthree")
    assert text.endswith("Note: one two three")
    assert "APPROVED" in ADJUDICATION.prompt(CLAIM).system
