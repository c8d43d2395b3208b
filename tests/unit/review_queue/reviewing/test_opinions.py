from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.review_queue.reviewing.opinions import (
    Answer,
    Correction,
    GivenOpinion,
    check_answer,
    decision_corrected,
    decision_made,
    review_completed,
)
from shared.errors import Rejected
from shared.events import Criterion, Opinion
from shared.tasks import TASKS
from tests.support.builders.events import NOW, case
from tests.support.builders.requests import requested

CASE = case()  # billed 118.00
DENIED = Answer(
    "DENIED",
    "excluded",
    reason_code="EXCLUDED",
    criterion=Criterion(source="PPO", version="5", effective_date="2026-01-01", text="a rule"),
    clinical_basis="the note names no impairment",
)
PENDING = Answer("PENDING", "records are missing", reason_code="RECORDS_NEEDED")
IN_PART = replace(
    DENIED, label="APPROVED", approved_amount=Decimal("31.00"), reason_code="PART_SUPPORTED"
)


def opinion(**changes: Any) -> Opinion:
    fields = {"reviewer": "amara", "label": "DENIED", "reasoning": "excluded"}
    return Opinion.model_validate({**fields, "decided_at": NOW, "dwell_seconds": 2.0, **changes})


def given(answer: Answer = DENIED, **changes: Any) -> GivenOpinion:
    return GivenOpinion("first", answer, opinion(label=answer.label, **changes))


@pytest.mark.parametrize(
    "answer",
    [
        Answer("APPROVED", "supported"),
        DENIED,
        PENDING,
        IN_PART,
        replace(IN_PART, approved_amount=Decimal("0.01")),
    ],
)
def test_an_answer_of_the_task_is_taken(answer: Answer) -> None:
    assert check_answer(answer, CASE) is answer


def test_to_approve_all_of_it_is_to_approve() -> None:
    full = Answer("APPROVED", "all of it", Decimal("118.00"))

    assert check_answer(full, CASE) == Answer("APPROVED", "all of it")
    assert check_answer(full, CASE).outcome == Answer("APPROVED", "supported").outcome


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (Answer("PAID", "supported"), "label"),
        (Answer("approved", "supported"), "label"),
        (Answer("APPROVED", ""), "reasoning"),
        (Answer("APPROVED", " \n"), "reasoning"),
        (Answer("APPROVED", "supported", reason_code="EXCLUDED"), "reason_code"),
        (Answer("APPROVED", "supported", reason_code="NO_SUCH"), "reason_code"),
        (Answer("APPROVED", "too much", Decimal("118.01")), "approved_amount"),
        (replace(IN_PART, approved_amount=Decimal(0)), "approved_amount"),
        (replace(IN_PART, reason_code=None), "reason_code"),
        (replace(IN_PART, reason_code="NOT_NECESSARY"), "reason_code"),
        (replace(IN_PART, criterion=None), "criterion"),
        (replace(IN_PART, clinical_basis=None), "clinical_basis"),
        (replace(DENIED, approved_amount=Decimal("1.00")), "approved_amount"),
        (replace(DENIED, reason_code="RECORDS_NEEDED"), "reason_code"),
        (replace(DENIED, reason_code=None), "reason_code"),
        (replace(DENIED, reason_code=""), "reason_code"),
        (replace(DENIED, criterion=None), "criterion"),
        (replace(DENIED, clinical_basis=None), "clinical_basis"),
        (replace(DENIED, clinical_basis=""), "clinical_basis"),
        (replace(PENDING, reason_code=None), "reason_code"),
    ],
)
def test_anything_else_names_its_field(answer: Answer, field: str) -> None:
    with pytest.raises(Rejected) as refused:
        check_answer(answer, CASE)

    assert refused.value.field == field


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_refusal_of_every_task_needs_its_criterion_and_clinical_basis(task: Any) -> None:
    refusal = next(label for label in task.labels if label.adverse)

    assert {"criterion", "clinical_basis"} <= set(refusal.needs)
    for label in task.labels:
        if task.amount_field and not label.adverse:
            assert label.needs_in_part == refusal.needs  # a part approved is a part refused


def test_a_task_without_amounts_approves_none() -> None:
    task = TASKS["independent_review"]
    content = task.validate(task.examples[0]).model_dump(mode="json")
    other = case(task=task.name, input=content)
    pays = next(label for label in task.labels if not label.adverse)
    full = Answer(
        pays.name, "necessary", Decimal("1.00"), None, DENIED.criterion, DENIED.clinical_basis
    )
    codes = [reason.code for reason in task.reason_codes if reason.label == pays.name]

    with pytest.raises(Rejected, match="no amount"):
        check_answer(replace(full, reason_code=codes[0] if codes else None), other)


def test_a_completed_review_carries_what_statistics_need() -> None:
    request = requested(reason="audit", inclusion_probability=0.05)
    said = given()

    event = review_completed(request, said, [said, given(PENDING)], blind=False, at=NOW)

    assert (event.reason, event.inclusion_probability) == ("audit", 0.05)
    assert event.routing_version == request.routing_version
    assert event.case == request.case
    assert [each.label for each in event.opinions] == ["DENIED", "PENDING"]
    assert (event.label, event.reasoning) == ("DENIED", "excluded")


@pytest.mark.parametrize(
    ("visible", "blind", "expected"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_a_completed_review_says_whether_the_model_was_in_view(
    visible: bool, blind: bool, expected: bool
) -> None:
    request = requested(model_visible=visible)

    event = review_completed(request, given(), [given()], blind=blind, at=NOW)

    assert event.model_visible is expected


def test_a_decision_names_its_reviewer_and_the_model_they_were_shown() -> None:
    event = decision_made(requested(), given(), blind=False, at=NOW)

    assert (event.decided_by, event.reviewer) == ("human", "amara")
    assert event.adverse
    assert event.model_version == "adjudication-v1.0"
    assert (event.route_reason, event.inclusion_probability) == ("adverse", 0.25)


def test_a_part_approved_is_against_the_member() -> None:
    in_part = decision_made(requested(), given(IN_PART), blind=False, at=NOW)
    full = decision_made(
        requested(), given(replace(IN_PART, approved_amount=None)), blind=False, at=NOW
    )

    assert (in_part.adverse, full.adverse) == (True, False)


def test_a_hidden_model_is_not_named() -> None:
    event = decision_made(requested(model_visible=False), given(), blind=False, at=NOW)

    assert event.model_version is None


def test_a_hidden_model_is_named_if_the_reviewer_came_to_see_it() -> None:
    seen = decision_made(requested(), given(label_before="APPROVED"), blind=True, at=NOW)
    unseen = decision_made(requested(), given(), blind=True, at=NOW)

    assert (seen.model_version, unseen.model_version) == ("adjudication-v1.0", None)


def test_a_partial_approval_carries_its_amount() -> None:
    part = given(Answer("APPROVED", "a part", Decimal("31.00")))

    assert decision_made(requested(), part, blind=False, at=NOW).approved_amount == 31.0
    event = review_completed(requested(), part, [part], blind=False, at=NOW)
    assert event.approved_amount == 31.0


def test_a_correction_supersedes_the_revision_before_it() -> None:
    correction = Correction(Answer("APPROVED", "records came"), "new records", 2)

    event = decision_corrected(CASE, correction, by="amara", at=NOW)

    assert (event.revision, event.supersedes_revision) == (3, 2)
    assert (event.corrected_by, event.why) == ("amara", "new records")


def test_each_correction_is_an_event_of_its_own() -> None:
    first, second = (
        decision_corrected(
            CASE, Correction(Answer("APPROVED", "so"), "why", revision), by="a", at=NOW
        )
        for revision in (0, 1)
    )

    assert first.event_id != second.event_id
