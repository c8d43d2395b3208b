"""What holds for every task, so that services need not know which one they serve."""

from typing import get_args

import pytest

from shared.errors import Rejected
from shared.tasks import TASKS, get_task
from shared.tasks.task import Requirement, Task


def test_a_task_is_found_by_name_only() -> None:
    assert get_task("adjudication").name == "adjudication"
    with pytest.raises(Rejected, match=", ".join(sorted(TASKS))):
        get_task("astrology")


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_labels_keys_and_reasons_fit_together(task: Task) -> None:
    assert len({label.key for label in task.labels}) == len(task.labels)
    assert {label.adverse for label in task.labels} == {True, False}
    assert {reason.label for reason in task.reason_codes} == set(task.label_names)
    assert len({reason.code for reason in task.reason_codes}) == len(task.reason_codes)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_review_page_shows_every_field_once(task: Task) -> None:
    shown = [field for section in task.presentation.sections for field in section.fields]
    assert sorted(shown) == sorted(task.input_model.model_fields)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_examples_are_valid_and_canonical(task: Task) -> None:
    for example in task.examples:
        case = task.validate(example)
        assert task.validate(case.model_dump(mode="json")) == case
        prompt = task.prompt(example)
        completed = task.complete(case)
        assert prompt == task.render(completed)
        assert task.complete(completed) == completed
        assert all(label in prompt.system for label in task.label_names)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_unknown_fields_and_labels_are_refused(task: Task) -> None:
    with pytest.raises(Rejected) as refused:
        task.validate({**task.examples[0], "surprise": 1})
    assert refused.value.field == "input.(unknown name)"
    with pytest.raises(Rejected) as unknown:
        task.label("MAYBE")
    assert "MAYBE" not in str(unknown.value)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_decision_against_the_member_is_never_without_a_reason_code(task: Task) -> None:
    for label in task.labels:
        assert ("reason_code" in label.needs) == label.adverse
        assert not set(label.needs) - set(get_args(Requirement))
        if "reason_code" in label.needs:
            assert any(reason.label == label.name for reason in task.reason_codes)


@pytest.mark.parametrize("name", ["adjudication", "independent_review"])
def test_a_denial_needs_reason_criterion_and_clinical_basis(name: str) -> None:
    assert set(TASKS[name].label("DENIED").needs) == {"reason_code", "criterion", "clinical_basis"}


def test_whoever_must_quote_a_criterion_of_a_policy_finds_one() -> None:
    task = TASKS["adjudication"]
    for example in task.examples:
        rules = task.presentation.rules_of(task.validate(example))
        assert rules
        assert len({rule.rule_id for rule in rules}) == len(rules)
        for rule in rules:
            assert rule.text.startswith(f"{rule.rule_id}: ")
            assert len(rule.text) > len(rule.rule_id) + 20
            assert rule.source
            assert rule.version


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_summary_is_made_of_fields_of_the_input(task: Task) -> None:
    assert task.presentation.summary
    assert set(task.presentation.summary) <= set(task.input_model.model_fields)


def test_only_pending_asks_for_less_than_a_denial() -> None:
    assert TASKS["adjudication"].label("PENDING").needs == ("reason_code",)
    assert TASKS["adjudication"].label("APPROVED").needs == ()
