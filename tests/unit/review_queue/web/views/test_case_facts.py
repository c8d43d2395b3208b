"""That what is shown of a case comes from its task alone: two real ones, and one made up."""

from typing import Any

import pytest

from services.review_queue.web.views.case_facts import (
    CodeView,
    FieldView,
    facts_of,
    fields,
    heading,
    sections,
)
from shared.tasks import TASKS
from shared.tasks.masking import MASK, mask_member_data
from shared.tasks.task import Task
from tests.support.builders.events import ADJUDICATION, claim_input
from tests.support.builders.letters import BARE, LETTER, LETTERS


def shown_fields(task: Task, content: dict[str, Any]) -> dict[str, FieldView]:
    return {field.title: field for part in sections(task, content) for field in part.fields}


def kinds(task: Task, content: dict[str, Any]) -> dict[str, str]:
    return {title: field.kind for title, field in shown_fields(task, content).items()}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_task_is_shown_whole(task: Task) -> None:
    content = task.validate(task.examples[0]).model_dump(mode="json")

    shown = facts_of(task, content)

    assert [part.title for part in shown.sections] == [
        part.title for part in task.presentation.sections
    ]
    assert [part.wide for part in shown.sections] == [
        part.wide for part in task.presentation.sections
    ]
    assert sum(len(part.fields) for part in shown.sections) == len(task.input_model.model_fields)
    assert [view.rule for view in shown.rules] == list(
        task.presentation.rules_of(task.validate(content))
    )
    assert shown.panels == task.presentation.panels_of(task.validate(content))
    assert shown.problem is None


def test_what_a_field_looks_like_follows_from_its_value() -> None:
    content = claim_input(prior_authorization=None)

    assert kinds(ADJUDICATION, content) == {
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
    assert shown_fields(ADJUDICATION, content)["Billed amount"].text == "$118.00"


def test_a_repeated_code_stands_once_with_its_count_and_title() -> None:
    shown = shown_fields(ADJUDICATION, claim_input(procedure_codes=["97110", "97110", "00100"]))

    assert shown["Procedure codes"].codes == (
        CodeView("97110", 2, "Physical therapy"),
        CodeView("00100", 1),
    )
    [diagnosis] = shown["Diagnosis codes"].codes
    assert diagnosis.title == "Radiculopathy, lumbar region"
    assert (diagnosis.group or "").startswith("Diseases of the musculoskeletal system")


def test_a_task_of_another_kind_is_shown_from_its_definition_alone() -> None:
    shown = shown_fields(LETTERS, LETTER)

    assert kinds(LETTERS, LETTER) == {
        "Letter ID": "word",
        "Patient": "table",
        "Keywords": "codes",
        "Body": "prose",
        "Drugs": "table",
        "Author": "empty",
    }
    assert shown["Keywords"].codes == (
        CodeView("heart", 2, "Heart", "Keywords"),
        CodeView("fall", 1),
    )
    assert shown["Body"].text == LETTER["body"]
    assert shown["Patient"].rows == (("Greta", "4"),)
    assert shown["Drugs"].columns == ("name", "doses", "new")
    assert shown["Drugs"].rows == (("Aspirin", "1, 0.5", "yes"),)
    assert [part.wide for part in sections(LETTERS, LETTER)] == [False, True, False]


def test_its_rules_can_be_linked_and_its_panels_are_there() -> None:
    shown = facts_of(LETTERS, LETTER)

    assert [(view.rule.rule_id, view.rule.outcome) for view in shown.rules] == [
        ("S/1", "fail"),
        ("S 2", None),
    ]
    # Whatever a rule is called, its place has an id that a link can name.
    assert shown.anchors == {"S/1": "rule-1", "S 2": "rule-2"}
    assert [panel.rows for panel in shown.panels] == [(("5",),)]


def test_a_task_that_says_nothing_more_has_neither_rules_nor_panels_nor_titles() -> None:
    shown = facts_of(BARE, LETTER)

    assert (shown.rules, shown.panels, shown.problem) == ((), (), None)
    assert shown_fields(BARE, LETTER)["Keywords"].codes == (
        CodeView("heart", 2),
        CodeView("fall", 1),
    )


def test_a_case_that_its_task_no_longer_takes_is_shown_as_far_as_it_goes() -> None:
    shown = facts_of(ADJUDICATION, claim_input() | {"service_date": "someday"})

    assert shown.sections
    assert (shown.rules, shown.panels) == ((), ())
    assert shown.problem is not None
    assert "service_date" in shown.problem
    assert "someday" not in shown.problem


def test_the_summary_of_an_earlier_case_is_shown_like_its_fields() -> None:
    shown = fields(ADJUDICATION, ADJUDICATION.presentation.summary, claim_input())

    assert [field.title for field in shown] == [
        "Service date",
        "Diagnosis codes",
        "Procedure codes",
        "Billed amount",
    ]
    assert shown[2].codes[0].title == "Physical therapy"


def test_a_field_that_the_input_lacks_is_shown_as_not_given() -> None:
    assert set(kinds(ADJUDICATION, {}).values()) == {"empty"}


@pytest.mark.parametrize("task", [*TASKS.values(), LETTERS], ids=lambda task: task.name)
def test_masked_content_is_shown_as_hidden_not_as_missing(task: Task) -> None:
    content = task.validate(task.examples[0]).model_dump() if task.examples else LETTER
    shown = shown_fields(task, mask_member_data(task, content))

    properties = task.input_model.model_json_schema()["properties"].items()
    expected = {heading(name) for name, schema in properties if schema.get("member_data")}
    assert {title for title, field in shown.items() if field.kind == "masked"} == expected
    assert {field.text for field in shown.values() if field.kind == "masked"} == {MASK}


def test_names_are_written_as_words() -> None:
    assert heading("provider_npi") == "Provider NPI"
    assert heading("body") == "Body"
