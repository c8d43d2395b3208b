"""What holds for every task, so that services need not know which one they serve."""

import pytest

from shared.errors import Rejected
from shared.tasks import TASKS, get_task
from shared.tasks.task import Task


def test_a_task_is_found_by_name_only() -> None:
    assert get_task("adjudication").name == "adjudication"
    with pytest.raises(Rejected, match="adjudication, independent_review"):
        get_task("astrology")


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_labels_keys_and_reasons_fit_together(task: Task) -> None:
    assert len({label.key for label in task.labels}) == len(task.labels)
    assert {label.adverse for label in task.labels} == {True, False}
    assert {reason.label for reason in task.reason_codes} == set(task.label_names)
    assert len({reason.code for reason in task.reason_codes}) == len(task.reason_codes)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_review_page_shows_every_field_once(task: Task) -> None:
    shown = [field for section in task.layout for field in section.fields]
    assert sorted(shown) == sorted(task.input_model.model_fields)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_examples_are_valid_and_canonical(task: Task) -> None:
    for example in task.examples:
        case = task.validate(example)
        assert task.validate(case.model_dump(mode="json")) == case
        prompt = task.prompt(example)
        assert prompt == task.render(case)
        assert all(label in prompt.system for label in task.label_names)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_unknown_fields_and_labels_are_refused(task: Task) -> None:
    with pytest.raises(Rejected) as refused:
        task.validate({**task.examples[0], "surprise": 1})
    assert refused.value.field == "input.surprise"
    with pytest.raises(Rejected):
        task.label("MAYBE")
