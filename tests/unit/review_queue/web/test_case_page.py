"""What the review page shows of a case: all that is needed, and nothing that would sway."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi import Request

from services.review_queue.reading.member_history import HistoryEntry
from services.review_queue.reviewing.notes import WrittenNote
from services.review_queue.web.pages import Pages
from services.review_queue.web.views.case_view import case_view
from services.review_queue.web.views.earlier_cases import earlier_views
from shared.events import Criterion, Opinion, ReviewRequested
from shared.tasks import TASKS
from shared.tasks.task import Task
from tests.support.builders.assignments import assignment
from tests.support.builders.events import ADJUDICATION, NOW, case, claim_input
from tests.support.builders.letters import LETTER, LETTERS
from tests.support.builders.requests import model_answer, requested

PAGES = Pages(now=lambda: NOW + timedelta(minutes=12))
EXCLUDED = {
    "rule_id": "CHO-EXC-1",
    "kind": "exclusion",
    "outcome": "fail",
    "message": "cosmetic service is excluded",
}
COVERED = {
    "rule_id": "CHO-COV-1",
    "kind": "coverage",
    "outcome": "pass",
    "message": "physical therapy is covered",
}


def rendered(
    request: ReviewRequested,
    *,
    earlier: tuple[HistoryEntry, ...] = (),
    notes: tuple[WrittenNote, ...] = (),
    **changes: Any,
) -> str:
    answer = PAGES.render(
        Request({"type": "http", "path": "/", "headers": []}),
        "case.html",
        view=case_view(assignment(request, **changes)),
        earlier=earlier_views(request.case.task, earlier),
        notes=notes,
    )
    return bytes(answer.body).decode()


def opinion(reviewer: str, label: str, **changes: Any) -> Opinion:
    fields: dict[str, Any] = {
        "reviewer": reviewer,
        "label": label,
        "reasoning": f"so says {label.lower()}",
        "decided_at": NOW,
        "dwell_seconds": 60.0,
    }
    return Opinion.model_validate({**fields, **changes})


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_case_of_every_task_can_be_decided(task: Task) -> None:
    content = task.validate(task.examples[0]).model_dump(mode="json")
    html = rendered(requested(case=case(task=task.name, input=content), answer=None))

    for label in task.labels:
        assert f'value="{label.name}" data-key="{label.key}"' in html
        assert f'data-needs="{" ".join(label.needs)}"' in html
    for reason in task.reason_codes:
        assert f'value="{reason.code}"' in html
    assert "Waited <time" in html
    assert ">12 min<" in html


def test_a_task_that_asks_for_less_shows_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, LETTERS.name, LETTERS)
    html = rendered(requested(case=case(task=LETTERS.name, input=LETTER), answer=None))

    assert "Ask ward" in html
    assert 'data-field="reason_code"' in html
    for field in ("criterion", "clinical_basis", "approved_amount"):
        assert f'data-field="{field}"' not in html


def test_no_two_keys_of_the_page_are_the_same() -> None:
    """What the page itself does has keys of its own; a label's key must not be one of them."""
    help_of_keys = PAGES.render(
        Request({"type": "http", "path": "/", "headers": []}), "review.html", principal=None
    )
    keys = re.findall(r"<dt><kbd>(.)</kbd></dt>", bytes(help_of_keys.body).decode())

    assert len(keys) == len(set(keys)) > 8
    for task in TASKS.values():
        assert {label.key.upper() for label in task.labels}.isdisjoint(keys)


def test_the_models_answer_is_marked_as_a_draft() -> None:
    html = rendered(requested(answer=model_answer(reasoning="the note supports it")))

    assert "draft, not evidence" in html
    assert "the note supports it" in html
    assert "adjudication-v1.0" in html
    assert "<strong>Denied</strong>, confidence 62%" in html  # to read, not only to see


def test_a_hidden_answer_does_not_leave_the_server() -> None:
    answer = model_answer(reasoning="the note supports it")
    html = rendered(requested(answer=answer, model_visible=False), blind=True)

    assert "It is not shown for this case" in html
    for secret in ("not evidence", "62%", "the note supports it", "Adverse"):
        assert secret not in html


@pytest.mark.parametrize("label", [None, "APPROVED"])
def test_a_blind_review_shows_the_answer_once_the_reviewer_has_their_own(label: str | None) -> None:
    answer = model_answer(reasoning="the note supports it")
    html = rendered(requested(answer=answer), blind=True, label_before=label)

    for secret in ("draft, not evidence", "62%", "the note supports it", "Adverse"):
        assert (secret in html) is (label is not None)
    assert ("data-blind" in html) is (label is None)
    assert ("You said <strong>Approved</strong>" in html) is (label is not None)


def test_before_committing_nobody_learns_whether_a_model_answered() -> None:
    pages = [rendered(requested(answer=answer), blind=True) for answer in (model_answer(), None)]

    assert pages[0] == pages[1]
    assert "No model has answered" in rendered(requested(answer=None))


@pytest.mark.parametrize("hidden", [{"model_visible": False}, {}])
def test_the_form_is_the_same_whatever_the_model_said(hidden: dict[str, Any]) -> None:
    forms = {
        rendered(requested(answer=model_answer(label), **hidden)).rpartition("<form")[2]
        for label in ADJUDICATION.label_names
    }

    assert len(forms) == 1


def test_an_edit_opens_to_its_rule_and_what_fails_is_open() -> None:
    html = rendered(requested(case=case(input=claim_input(edits=[COVERED, EXCLUDED]))))

    failed, covered = (
        re.search(rf'<tr class="unfolded" id="([^"]+)" data-panel="rule {rule}"( hidden)?>', html)
        for rule in ("CHO-EXC-1", "CHO-COV-1")
    )
    assert failed is not None
    assert covered is not None
    assert (failed[2], covered[2]) == (None, " hidden")
    assert f'aria-expanded="true" aria-controls="{failed[1]}"' in html
    assert f'aria-expanded="false" aria-controls="{covered[1]}"' in html
    assert "CHO-EXC-1: A cosmetic service is not covered" in html
    assert "Choice PPO · version 5 · in effect since 2023-01-01" in html


def test_the_page_says_whose_an_edit_is() -> None:
    theirs = EXCLUDED | {"rule_id": "R-9", "message": "not in their list"}
    claim = ADJUDICATION.complete(ADJUDICATION.validate(claim_input(edits=[theirs])))
    html = rendered(requested(case=case(input=claim.model_dump(mode="json"))))

    assert '<th scope="col">Source</th>' in html
    rows = [row for row in html.split("<tr>") if "data-value" in row]
    assert [("sender" in row, "caseloop" in row) for row in rows[-7:]] == [
        *[(False, True)] * 6,
        (True, False),
    ]


def test_the_page_does_not_say_whose_the_edits_are_where_all_are_ours() -> None:
    claim = ADJUDICATION.complete(ADJUDICATION.validate(claim_input(edits=[])))
    html = rendered(requested(case=case(input=claim.model_dump(mode="json"))))

    assert '<th scope="col">Message</th>' in html
    assert '<th scope="col">Source</th>' not in html


def test_what_was_not_checked_stands_above_everything_else() -> None:
    claim = ADJUDICATION.complete(ADJUDICATION.validate(claim_input(policy_id="PPO-9", edits=[])))
    html = rendered(requested(case=case(input=claim.model_dump(mode="json"))))

    warning = html.index('<h2 id="unchecked-title">Not checked</h2>')
    assert "<li>Policy PPO-9 is not held</li>" in html
    assert warning < html.index("<h2>Claim</h2>") < html.index("<h2>Edits</h2>")
    assert '<span class="pill" data-value="unchecked">unchecked</span>' in html


def test_a_claim_that_was_checked_has_no_such_warning() -> None:
    claim = ADJUDICATION.complete(ADJUDICATION.validate(claim_input(edits=[])))
    assert "Not checked" not in rendered(requested(case=case(input=claim.model_dump(mode="json"))))


def test_every_rule_can_be_quoted_with_all_that_a_criterion_is() -> None:
    html = rendered(requested(case=case(input=claim_input(edits=[EXCLUDED]))))
    view = case_view(assignment(requested(case=case(input=claim_input(edits=[EXCLUDED])))))

    assert view.facts.apart  # rules that no edit names
    for each in view.facts.rules:
        rule = each.rule
        assert f'data-quote="{each.anchor}"' in html
        assert (
            f'value="{each.anchor}" data-source="{rule.source}" data-version="{rule.version}" '
            f'data-effective-date="{rule.effective_date}" data-text="{rule.rule_id}: '
        ) in html
    assert len(re.findall(r'name="criterion" value="rule-', html)) == len(view.facts.rules)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_amounts_are_there_and_their_rows_on_demand() -> None:
    html = rendered(requested())

    assert '<details class="card more" data-panel="fees">' in html
    assert "Billed <strong>$118.00</strong>" in html


def test_earlier_cases_say_what_became_of_them() -> None:
    before = HistoryEntry(
        case_id="case-0",
        claim_id="claim-0",
        submitted_at=NOW - timedelta(days=9),
        summary={name: claim_input()[name] for name in ADJUDICATION.presentation.summary},
        label="DENIED",
        decided_by="human",
        decided_at=NOW - timedelta(days=8),
        corrected=True,
    )
    open_one = replace(before, case_id="case-00", label=None, decided_by=None, corrected=False)
    html = rendered(requested(), earlier=(before, open_one))

    assert "2 earlier cases" in html
    assert "1 denied, 1 not decided" in html
    assert "by a reviewer, corrected" in html
    assert "Radiculopathy, lumbar region" in html
    assert "No earlier cases" in rendered(requested())


def test_the_final_word_has_the_opinions_in_front_and_no_names() -> None:
    criterion = Criterion(
        source="Choice PPO", version="5", effective_date="2026-01-01", text="is excluded"
    )
    html = rendered(
        requested(),
        kind="final",
        opinions=(
            opinion("amara", "APPROVED", reason_code="NECESSARY"),
            opinion("bo", "DENIED", criterion=criterion, clinical_basis="no impairment"),
        ),
        escalated_why="the codes contradict each other",
        notes=(WrittenNote("the provider called", NOW, own=False),),
    )

    for shown in (
        "Final word",
        "First opinion",
        "Second opinion",
        "Covered, and the note supports the service",
        "so says denied",
        "is excluded",
        "no impairment",
        "the codes contradict each other",
        "the provider called",
    ):
        assert shown in html
    for name in ("amara", ">bo<", 'data-action="escalate"'):
        assert name not in html


def test_no_other_seat_shows_what_others_said() -> None:
    """A line that gave them to somebody else by mistake would still show nothing."""
    said = (opinion("amara", "APPROVED"), opinion("bo", "DENIED"))
    notes = tuple(WrittenNote(f"{who} called", NOW, own=who == "I") for who in ("bo", "I"))
    for kind in ("first", "second", "further"):
        html = rendered(requested(), kind=kind, opinions=said, notes=notes)
        assert "so says" not in html
        assert "bo called" not in html
        assert "I called" in html  # their own
        assert 'data-action="escalate"' in html


def test_a_case_that_its_task_takes_no_more_can_still_be_decided() -> None:
    html = rendered(requested(case=case(input=claim_input() | {"service_date": "someday"})))

    assert "It can still be decided or handed on" in html
    assert 'value="own"' in html
    assert 'value="rule-' not in html


def test_what_a_case_says_is_never_markup() -> None:
    attack = "<script>alert(1)</script>"
    html = rendered(
        requested(case=case(input=claim_input(clinical_note=attack))),
        kind="final",
        escalated_why=attack,
        notes=(WrittenNote(attack, NOW, own=True),),
    )

    assert attack not in html
    assert html.count("&lt;script&gt;") == 3


def test_pages_carry_neither_scripts_nor_styles_of_their_own() -> None:
    html = rendered(requested())

    assert "<script" not in html
    assert "style=" not in html
    assert "onclick" not in html
