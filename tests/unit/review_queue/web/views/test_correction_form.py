"""The form of a correction, and what is read from it."""

from dataclasses import replace
from typing import Any

import pytest

from services.review_queue.reviewing.corrections import ReopenedDecision
from services.review_queue.reviewing.opinions import Answer, check_answer
from services.review_queue.web.views.correction_form import CorrectionForm, parse, written
from shared.errors import Rejected
from shared.events import Criterion
from tests.support.builders.events import ADJUDICATION, NOW, case
from tests.support.builders.requests import requested

CASE = case(claim_id="C-1")
RULE = ADJUDICATION.presentation.rules_of(ADJUDICATION.validate(CASE.input))[0]
QUOTE = Criterion(
    source=RULE.source,
    version=RULE.version,
    effective_date=RULE.effective_date.isoformat(),
    text=RULE.text,
)
DENIED = Answer(
    "DENIED",
    "a rule excludes it",
    reason_code="EXCLUDED",
    criterion=QUOTE,
    clinical_basis="no functional impairment",
)


def reopened(answer: Answer = DENIED, revision: int = 0) -> ReopenedDecision:
    return ReopenedDecision(requested(case=CASE), answer, revision, NOW)


def said(**changes: Any) -> dict[str, str]:
    fields = written(reopened(), ADJUDICATION) | {"why": "records came"}
    return fields | changes


def test_the_form_is_filled_with_the_decision_as_it_stands() -> None:
    filled = written(reopened(revision=2), ADJUDICATION)

    assert filled == {
        "label": "DENIED",
        "reasoning": "a rule excludes it",
        "reason_code": "EXCLUDED",
        "clinical_basis": "no functional impairment",
        "rule": RULE.rule_id,
        "supersedes_revision": "2",
    }


def test_what_is_sent_back_unchanged_is_the_same_answer() -> None:
    correction = parse(said(), CASE).correction()

    assert (correction.answer, correction.why) == (DENIED, "records came")
    check_answer(correction.answer, CASE)


def test_a_criterion_in_ones_own_words_is_kept() -> None:
    own = replace(DENIED, criterion=QUOTE.model_copy(update={"text": "something else"}))
    filled = written(reopened(own), ADJUDICATION)

    assert (filled["rule"], filled["criterion_text"]) == ("other", "something else")
    assert parse({**filled, "why": "typo"}, CASE).correction().answer == own


def test_what_was_said_of_another_label_stays_out() -> None:
    approved = {"label": "APPROVED", "reason_code": "NECESSARY"}

    for amount in ("", "118.00"):
        answer = parse(said(**approved, approved_amount=amount), CASE).correction().answer
        assert (answer.criterion, answer.clinical_basis) == (None, None)
    in_part = parse(said(**approved, approved_amount="20"), CASE).correction().answer
    assert (in_part.criterion, in_part.clinical_basis) == (QUOTE, DENIED.clinical_basis)


def test_a_browsers_ends_of_lines_are_no_change_and_take_no_room() -> None:
    lines = "so\n" * 1333
    answer = parse(said(reasoning=lines.replace("\n", "\r\n")), CASE).correction().answer

    assert answer.reasoning == lines.strip()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reasoning": " "}, "reasoning"),
        ({"why": ""}, "why"),
        ({"rule": "no-such-rule"}, "rule"),
        ({"rule": "other"}, "criterion_source"),
        ({"approved_amount": "much"}, "approved_amount"),
        ({"supersedes_revision": "x"}, "supersedes_revision"),
        ({"reasoning": "a\x00b"}, "reasoning"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(changes: dict[str, str], field: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse(said(**changes), CASE)

    assert refused.value.field == field


def test_what_is_empty_is_said_to_be() -> None:
    with pytest.raises(Rejected, match=r"^why: must not be empty$"):
        parse(said(why=" "), CASE)


def test_the_form_offers_what_the_task_has() -> None:
    form = CorrectionForm.of(ADJUDICATION, CASE)

    assert [option.label.name for option in form.options] == list(ADJUDICATION.label_names)
    assert RULE in form.rules
    assert str(form.amount_at_stake) == "118.00"
    assert form.labels_that_need("clinical_basis") == ("APPROVED in part", "DENIED")
    assert form.labels_that_need("reason_code") == ("APPROVED in part", "DENIED", "PENDING")


def test_a_case_that_its_task_takes_no_more_can_still_be_corrected() -> None:
    broken = CASE.model_copy(update={"input": {"claim_id": "C-1"}})

    assert CorrectionForm.of(ADJUDICATION, broken).rules == ()
    assert parse(said(label="PENDING", rule=""), broken).label == "PENDING"
