from decimal import Decimal
from typing import Any

import pytest

from services.review_queue.opinions import (
    Answer,
    Correction,
    Settled,
    check,
    completed,
    corrected,
    decided,
    settle,
)
from shared.errors import Rejected
from shared.events import Opinion
from shared.tasks import TASKS
from tests.support.builders import NOW, case
from tests.support.requests import requested

CASE = case()  # billed 118.00


def opinion(**changes: Any) -> Opinion:
    fields = {"reviewer": "amara", "label": "DENIED", "reasoning": "excluded"}
    return Opinion.model_validate({**fields, "decided_at": NOW, "dwell_seconds": 2.0, **changes})


def settled(**changes: Any) -> Settled:
    return settle([(Answer(**{"label": "DENIED", "reasoning": "excluded", **changes}), opinion())])


@pytest.mark.parametrize(
    "answer",
    [
        Answer("APPROVED", "supported"),
        Answer("DENIED", "excluded", reason_code="EXCLUDED"),
        Answer("APPROVED", "a part is supported", Decimal("31.00"), "NECESSARY"),
        Answer("APPROVED", "all of it", Decimal("118.00")),
    ],
)
def test_an_answer_of_the_task_is_taken(answer: Answer) -> None:
    check(answer, CASE)


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
        (Answer("DENIED", "nothing is approved", Decimal("1.00")), "approved_amount"),
    ],
)
def test_anything_else_names_its_field(answer: Answer, field: str) -> None:
    with pytest.raises(Rejected) as refused:
        check(answer, CASE)

    assert refused.value.field == field


def test_a_task_without_amounts_approves_none() -> None:
    task = TASKS["independent_review"]
    content = task.validate(task.examples[0]).model_dump(mode="json")
    other = case(task=task.name, input=content)

    with pytest.raises(Rejected, match="no amount"):
        check(Answer("APPROVED", "necessary", Decimal("1.00")), other)


def test_a_completed_review_carries_what_statistics_need() -> None:
    request = requested(reason="audit", inclusion_probability=0.05)

    event = completed(request, settled(), at=NOW)

    assert (event.reason, event.inclusion_probability) == ("audit", 0.05)
    assert event.routing_version == request.routing_version
    assert event.case == request.case
    assert [said.reviewer for said in event.opinions] == ["amara"]


def test_a_decision_names_its_reviewer_and_the_model_he_was_shown() -> None:
    event = decided(requested(), settled(), at=NOW)

    assert (event.decided_by, event.reviewer) == ("human", "amara")
    assert event.adverse
    assert event.model_version == "adjudication-v1.0"
    assert (event.route_reason, event.inclusion_probability) == ("adverse", 0.25)


def test_a_hidden_model_is_not_named() -> None:
    event = decided(requested(model_visible=False), settled(), at=NOW)

    assert event.model_version is None


def test_a_partial_approval_carries_its_amount() -> None:
    part = settled(label="APPROVED", approved_amount=Decimal("31.00"))

    assert decided(requested(), part, at=NOW).approved_amount == 31.0
    assert completed(requested(), part, at=NOW).approved_amount == 31.0


def test_a_correction_supersedes_the_revision_before_it() -> None:
    correction = Correction(Answer("APPROVED", "records came"), "new records", 2)

    event = corrected(CASE, correction, by="amara", at=NOW)

    assert (event.revision, event.supersedes_revision) == (3, 2)
    assert (event.corrected_by, event.why) == ("amara", "new records")


def test_each_correction_is_an_event_of_its_own() -> None:
    first, second = (
        corrected(CASE, Correction(Answer("APPROVED", "so"), "why", revision), by="a", at=NOW)
        for revision in (0, 1)
    )

    assert first.event_id != second.event_id
