from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.review_queue.reviews import Assignment
from services.review_queue.views import (
    REASONS,
    WITHHELD,
    bars,
    case_view,
    heading,
    options,
    sections,
    waited,
    words,
)
from shared.events import ReviewRequested
from shared.tasks import TASKS
from shared.tasks.task import Task
from tests.support.builders import ADJUDICATION, NOW, claim_input
from tests.support.requests import model_answer, requested


def assignment(request: ReviewRequested, at: datetime = NOW) -> Assignment:
    return Assignment(UUID(int=1), 1, "leased", at, at, request)


def fields(task: Task, content: dict[str, Any]) -> dict[str, Any]:
    return {field.title: field for part in sections(task, content) for field in part.fields}


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_task_is_shown_whole(task: Task) -> None:
    content = task.validate(task.examples[0]).model_dump(mode="json")

    shown = sections(task, content)

    assert [part.title for part in shown] == [part.title for part in task.layout]
    assert sum(len(part.fields) for part in shown) == len(task.input_model.model_fields)


def test_what_a_field_looks_like_follows_from_its_value() -> None:
    shown = fields(ADJUDICATION, claim_input(prior_authorization=None))

    kinds = {title: field.kind for title, field in shown.items()}
    assert kinds == {
        "Claim ID": "word",
        "Member ID": "word",
        "Policy ID": "word",
        "Provider NPI": "word",
        "Service date": "word",
        "Billed amount": "amount",
        "Prior authorization": "empty",
        "Diagnosis codes": "codes",
        "Procedure codes": "codes",
        "Edits": "table",
        "Clinical note": "prose",
    }
    assert shown["Billed amount"].text == "$118.00"


def test_a_repeated_code_stands_once_with_its_count() -> None:
    shown = fields(ADJUDICATION, claim_input(procedure_codes=["97110", "97110", "97140"]))

    assert shown["Procedure codes"].codes == (("97110", 2), ("97140", 1))


def test_a_field_that_the_input_lacks_is_shown_as_not_given() -> None:
    assert {field.kind for field in fields(ADJUDICATION, {}).values()} == {"empty"}


def test_options_follow_the_task_whatever_the_model_said() -> None:
    orders = {
        tuple(option.label.name for option in case_view(assignment(request)).options)
        for request in (requested(answer=model_answer(label)) for label in ("DENIED", "PENDING"))
    }

    assert orders == {ADJUDICATION.label_names}


def test_each_option_has_its_own_reasons_and_tone() -> None:
    shown = {option.label.name: option for option in options(ADJUDICATION)}

    assert {name: option.tone for name, option in shown.items()} == {
        "APPROVED": "positive",
        "DENIED": "negative",
        "PENDING": "caution",
    }
    for name, option in shown.items():
        assert option.reasons
        assert {reason.label for reason in option.reasons} == {name}


def test_bars_stand_in_the_order_of_the_task() -> None:
    shown = bars(ADJUDICATION, model_answer("DENIED", 0.62))

    assert [bar.label for bar in shown] == list(ADJUDICATION.label_names)
    assert [bar.label for bar in shown if bar.top] == ["DENIED"]
    assert [bar.percent for bar in shown] == ["19%", "62%", "19%"]


def test_a_hidden_answer_hides_what_would_give_it_away() -> None:
    view = case_view(assignment(requested(model_visible=False)))

    assert (view.answer, view.bars) == (None, ())
    assert view.reason == WITHHELD
    assert REASONS["adverse"][0] not in repr(view)


def test_a_case_without_a_model_has_no_draft() -> None:
    view = case_view(assignment(requested(answer=None, reason="no_champion")))

    assert view.bars == ()
    assert view.reason == REASONS["no_champion"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (7500, "2 h 5 min"),
        (187200, "2 d 4 h"),
    ],
)
def test_waiting_is_said_as_people_say_it(seconds: int, text: str) -> None:
    assert waited(timedelta(seconds=seconds)) == text


def test_names_and_closed_values_are_written_as_words() -> None:
    assert heading("provider_npi") == "Provider NPI"
    assert words("fee_schedule") == "fee schedule"
    assert words("CHO_1") == "CHO_1"
    assert words("See note_2") == "See note_2"
