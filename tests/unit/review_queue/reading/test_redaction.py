"""Who sees what of a review: nothing that would sway an opinion that can still be asked for."""

from typing import Any

import pytest

from services.review_queue.reading.redaction import redact
from services.review_queue.reading.review_detail import (
    EndedLease,
    Note,
    ReviewDetail,
    Revision,
    Seat,
)
from services.review_queue.reviewing.corrections import NotTheirs
from services.review_queue.reviewing.opinions import Answer, GivenOpinion
from services.review_queue.reviewing.states import Kind, SeatState
from shared.auth.principal import Machine, Person
from shared.events import Criterion, Opinion
from shared.tasks.masking import MASK
from tests.support.builders.events import NOW
from tests.support.builders.requests import model_answer, requested

LEAD, SENIOR = Person("lee", "lead", "here"), Person("sam", "senior", "here")
AMARA, BO = Person("amara", "adjudicator", "here"), Person("bo", "adjudicator", "here")
SCRIPT, AUDITOR = Machine("script", ("read_reviews",), "here"), Person("ada", "auditor", "here")


def seat(number: int, kind: Kind, state: SeatState, reviewer: str | None = None) -> Seat:
    opinion = Opinion(
        reviewer=reviewer or "-",
        label="DENIED",
        label_before="APPROVED",
        reasoning="so",
        decided_at=NOW,
        dwell_seconds=9,
    )
    said = (
        GivenOpinion(kind, Answer("DENIED", "so"), opinion)
        if state in "submitted answered"
        else None
    )
    return Seat(number, kind, state, reviewer, said)


def review(*seats: Seat, **changes: Any) -> ReviewDetail:
    fields: dict[str, Any] = {
        "label": None,
        "deciding_seat": None,
        "completed_at": None,
        "blind": True,
        "request": requested(),
        "seats": seats,
        "ended": (EndedLease(1, "cleo", "released", "outside my field", NOW),),
        "corrections": (),
        "notes": (Note("amara", "page two is missing", NOW), Note("bo", "it is not", NOW)),
    }
    return ReviewDetail(**{**fields, **changes})


HALF = review(seat(1, "first", "answered", "amara"), seat(2, "second", "leased", "bo"))
DISPUTED = review(
    seat(1, "first", "answered", "amara"),
    seat(2, "second", "answered", "bo"),
    seat(3, "further", "answered", "cleo"),
    seat(4, "final", "queued"),
)
DONE = review(
    seat(1, "first", "answered", "amara"), label="DENIED", deciding_seat=1, completed_at=NOW
)


def answered_by(found: ReviewDetail) -> list[str]:
    return [opinion.reviewer for opinion in found.opinions]


@pytest.mark.parametrize("reader", [LEAD, SENIOR])
def test_whoever_may_still_be_asked_is_not_swayed(reader: Person) -> None:
    found = redact(HALF, reader)

    assert answered_by(found) == []
    assert (found.answer, found.reason, found.ended, found.notes) == (None, None, (), ())
    assert [each.state for each in found.seats] == ["answered", "leased"]
    assert [each.reviewer for each in found.seats] == ["amara", "bo"]


@pytest.mark.parametrize("reader", [LEAD, SENIOR])
def test_in_a_dispute_seniors_read_what_was_said_but_not_the_model(reader: Person) -> None:
    found = redact(DISPUTED, reader)

    assert answered_by(found) == ["amara", "bo", "cleo"]
    assert found.ended
    assert found.answer is None
    # Whoever went from APPROVED to DENIED when they saw the model's answer tells what it was.
    assert {opinion.label_before for opinion in found.opinions} == {None}
    shown = redact(review(*DISPUTED.seats, blind=False), reader)
    assert shown.answer is not None
    assert {opinion.label_before for opinion in shown.opinions} == {"APPROVED"}


def test_a_senior_who_has_given_an_opinion_reads_everything() -> None:
    half = review(seat(1, "first", "answered", "sam"), seat(2, "second", "leased", "bo"))

    assert redact(half, SENIOR) == half


def test_what_can_be_undone_is_not_shown_yet() -> None:
    open_review = review(seat(1, "first", "submitted", "sam"), seat(2, "second", "answered", "bo"))

    found = redact(open_review, SENIOR)

    assert answered_by(found) == ["sam"]
    assert found.answer is None


def test_an_adjudicator_sees_their_own_opinion_and_notes_until_it_is_completed() -> None:
    found = redact(HALF, AMARA)

    assert answered_by(found) == ["amara"]
    assert [each.reviewer for each in found.seats] == ["amara", None]  # nor who else has it
    assert [note.author for note in found.notes] == ["amara"]
    assert found.answer is not None  # their own was settled
    with pytest.raises(NotTheirs):
        redact(HALF, BO)


@pytest.mark.parametrize("reader", [LEAD, SENIOR, AMARA])
def test_a_completed_review_hides_nothing_from_whoever_may_see_it(reader: Person) -> None:
    assert redact(DONE, reader) == DONE


def test_somebody_elses_decision_is_not_an_adjudicators() -> None:
    with pytest.raises(NotTheirs):
        redact(DONE, BO)


def test_scripts_do_not_review_and_see_everything() -> None:
    assert redact(HALF, SCRIPT) == HALF


def test_auditors_see_everything_but_whom_it_is_about() -> None:
    found = redact(HALF, AUDITOR)

    assert answered_by(found) == ["amara"]
    assert found.masked
    assert found.request.case.input["member_id"] == MASK
    assert found.request.case.input["clinical_note"] == MASK
    assert found.request.case.group_id == "hidden"


def test_auditors_see_that_something_was_written_and_not_what() -> None:
    """Whatever is written of a case in words of one's own may name the member."""
    prose = "Mrs Miller of room nine"
    quoted = Criterion(source="Choice PPO", version="5", effective_date="2026-01-01", text=prose)
    said: dict[str, Any] = {"reasoning": prose, "clinical_basis": prose, "criterion": quoted}
    opinion = Opinion(reviewer="amara", label="DENIED", decided_at=NOW, dwell_seconds=9, **said)
    given = GivenOpinion("first", Answer("DENIED", reason_code="EXCLUDED", **said), opinion)
    found = review(
        Seat(1, "first", "answered", "amara", given),
        request=requested(answer=model_answer(reasoning=prose)),
        ended=(
            EndedLease(1, "cleo", "released", prose, NOW),
            EndedLease(1, "bo", "expired", None, NOW),
        ),
        corrections=(
            Revision(1, "APPROVED", prose, None, None, quoted, prose, prose, "amara", NOW),
            Revision(2, "DENIED", prose, None, None, None, None, prose, "amara", NOW),
        ),
        notes=(Note("amara", prose, NOW),),
    )

    shown = redact(found, AUDITOR)

    assert "Miller" in repr(found)
    assert "Miller" not in repr(shown)
    assert [each.why for each in shown.ended] == [MASK, None]  # nothing was written of the second
    assert [each.clinical_basis for each in shown.corrections] == [MASK, None]
    assert shown.opinions[0].criterion == quoted.model_copy(update={"text": MASK})
    assert (shown.notes[0].author, shown.notes[0].text) == ("amara", MASK)
    assert shown.answer is not None
    assert shown.answer.reasoning == MASK


def test_who_reviews_no_more_sees_nothing_any_more() -> None:
    with pytest.raises(NotTheirs):
        redact(DONE, Person("amara", "operator", "here"))
