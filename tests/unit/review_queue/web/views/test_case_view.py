from dataclasses import replace
from decimal import Decimal
from typing import get_args

import pytest

from services.review_queue.web.views.case_facts import facts_of
from services.review_queue.web.views.case_view import (
    REASONS,
    bars,
    case_view,
    options,
    words,
)
from shared.events import RouteReason
from shared.tasks import TASKS
from shared.tasks.task import Task
from tests.support.builders.assignments import assignment
from tests.support.builders.events import ADJUDICATION, case
from tests.support.builders.letters import LETTER, LETTERS
from tests.support.builders.requests import model_answer, requested


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


def test_each_option_says_its_key_and_what_it_needs() -> None:
    shown = {option.label.key: option.label.needs for option in options(ADJUDICATION)}

    assert shown == {
        "a": (),
        "d": ("reason_code", "criterion", "clinical_basis"),
        "p": ("reason_code",),
    }


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_case_is_shown_with_all_its_facts(task: Task) -> None:
    content = task.validate(task.examples[0]).model_dump(mode="json")
    view = case_view(assignment(requested(case=case(task=task.name, input=content), answer=None)))

    assert view.facts == facts_of(task, content)
    assert view.task == task.title
    assert view.amount_at_stake == (Decimal("118.00") if task.amount_field else None)


def test_a_task_that_is_no_claim_is_reviewed_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(TASKS, LETTERS.name, LETTERS)
    probabilities = {"SEND": 0.2, "REWRITE": 0.7, "ASK_WARD": 0.1}
    answer = model_answer("REWRITE", 0.7, probabilities=probabilities)
    letter = case("case-9", task=LETTERS.name, input=LETTER)

    view = case_view(assignment(requested("case-9", case=letter, answer=answer)))

    assert (view.task, view.title, view.amount_at_stake) == ("Discharge letters", "case-9", None)
    assert view.facts == facts_of(LETTERS, LETTER)
    assert [(option.label.name, option.tone) for option in view.options] == [
        ("SEND", "positive"),
        ("REWRITE", "negative"),
        ("ASK_WARD", "caution"),
    ]
    assert [[reason.code for reason in option.reasons] for option in view.options] == [
        [],
        ["WRONG_DRUG"],
        [],
    ]
    assert [(bar.label, bar.percent, bar.top) for bar in view.bars] == [
        ("SEND", "20%", False),
        ("REWRITE", "70%", True),
        ("ASK_WARD", "10%", False),
    ]


def test_what_only_a_part_needs_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    send, *others = LETTERS.labels
    labels = (replace(send, needs_in_part=("criterion",)), *others)
    monkeypatch.setitem(TASKS, LETTERS.name, replace(LETTERS, labels=labels))

    view = case_view(assignment(requested(case=case(task=LETTERS.name, input=LETTER), answer=None)))

    assert view.asks_for("criterion")
    assert not view.asks_for("clinical_basis")


def test_nobody_is_told_that_others_differ_before_they_decide() -> None:
    """Three may be asked from the start."""
    for kind in ("second", "further"):
        seat = case_view(assignment(requested(), kind=kind)).seat
        assert seat
        assert "judge" in seat[1]
        assert "differ" not in seat[1]


def test_bars_stand_in_the_order_of_the_task() -> None:
    shown = bars(ADJUDICATION, model_answer("DENIED", 0.62))

    assert [bar.label for bar in shown] == list(ADJUDICATION.label_names)
    assert [bar.label for bar in shown if bar.top] == ["DENIED"]
    assert [bar.percent for bar in shown] == ["19%", "62%", "19%"]


def test_a_hidden_answer_hides_what_would_give_it_away() -> None:
    view = case_view(assignment(requested(model_visible=False)))

    assert (view.answer, view.bars) == (None, ())
    assert view.reason == REASONS["blind"]
    assert REASONS["adverse"][0] not in repr(view)


def test_a_blind_review_shows_the_answer_once_the_reviewer_has_committed() -> None:
    before = case_view(assignment(requested(), blind=True))
    after = case_view(assignment(requested(), blind=True, label_before="APPROVED"))

    assert (before.answer, before.bars, before.reason) == (None, (), REASONS["blind"])
    assert after.answer == requested().answer
    assert (len(after.bars), after.reason) == (3, REASONS["adverse"])
    assert before.options == after.options


def test_a_case_without_a_model_has_no_draft() -> None:
    view = case_view(assignment(requested(answer=None, reason="no_champion")))

    assert view.bars == ()
    assert view.reason == REASONS["no_champion"]


def test_every_reason_for_a_review_is_explained_on_the_page() -> None:
    assert set(REASONS) == {*get_args(RouteReason), "blind"}


def test_closed_values_are_written_as_words() -> None:
    assert words("fee_schedule") == "fee schedule"
    assert words("CHO_1") == "CHO_1"
    assert words("See note_2") == "See note_2"
