"""`docs/adding-a-task.md` followed to the letter: its files are a task that every service takes."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import shared.tasks
from services.confidence_filter.routing import Review, RoutingSettings, route_prediction
from services.dataset_accumulator.importing.importers import get_reader
from services.dataset_accumulator.importing.importers.rows import Reading, Refusal, Row
from services.dataset_accumulator.labels import label_of_history
from services.inference.intake import case_of
from services.review_queue.web.views.case_view import case_view
from shared.events import PredictionMade
from shared.events.base import LEAST_INCLUSION
from shared.tasks.masking import MASK, mask_member_data
from shared.tasks.task import Task
from tests.support.builders.assignments import assignment
from tests.support.builders.events import CAME_IN, KEY, predicted, rollout, score, submitted
from tests.support.builders.histories import TODAY, csv_file
from tests.support.builders.requests import requested
from tests.unit.review_queue.reviewing import test_opinions
from tests.unit.review_queue.web import test_case_page
from tests.unit.shared.tasks import test_tasks

GUIDE = Path(__file__).parents[4] / "docs" / "adding-a-task.md"
_FILE = re.compile(
    r"^`shared/tasks/(dental/\w+\.py)`.*?^```python\n(.*?)^```", re.DOTALL | re.MULTILINE
)
ROW = {
    "claim_id": "DEN-2",
    "member_id": "M-2",
    "treatment": "veneer on tooth 11",
    "findings": "sound tooth",
    "decision": "refused",
    "reason": "The treatment is cosmetic.",
}


@pytest.fixture
def dental(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
    """The task of the guide, written down as it stands there, and registered."""
    for name, content in _FILE.findall(GUIDE.read_text(encoding="utf-8")):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content, encoding="utf-8")
    monkeypatch.setattr(shared.tasks, "__path__", [*shared.tasks.__path__, str(tmp_path)])
    task: Task = importlib.import_module("shared.tasks.dental").DENTAL
    monkeypatch.setitem(shared.tasks.TASKS, task.name, task)
    yield task
    for module in [name for name in sys.modules if name.startswith("shared.tasks.dental")]:
        del sys.modules[module]


def prediction(task: Task, **probabilities: float) -> PredictionMade:
    case = case_of(submitted(task=task.name, input=dict(task.examples[0])))
    said = score(probabilities).model_copy(update={"prompt_version": task.prompt_version})
    return predicted(scores=(said,)).model_copy(update={"case": case})


def test_the_standing_tests_of_tasks_hold(dental: Task) -> None:
    test_tasks.test_labels_keys_and_reasons_fit_together(dental)
    test_tasks.test_the_review_page_shows_every_field_once(dental)
    test_tasks.test_examples_are_valid_and_canonical(dental)
    test_tasks.test_unknown_fields_and_labels_are_refused(dental)
    test_tasks.test_a_decision_against_the_member_is_never_without_a_reason_code(dental)
    test_tasks.test_a_summary_is_made_of_fields_of_the_input(dental)
    test_opinions.test_every_refusal_of_every_task_needs_its_criterion_and_clinical_basis(dental)
    test_case_page.test_no_two_keys_of_the_page_are_the_same()


def test_its_history_is_imported(dental: Task) -> None:
    content = csv_file([ROW, {**ROW, "decision": "perhaps"}], columns=tuple(ROW))
    good, bad = get_reader("csv")([content], Reading(dental, TODAY, decided_by="human"))

    assert isinstance(good, Row)
    label = label_of_history(dental, good.claim_id, good.case)
    assert (label.label, label.group_id) == ("REFUSED", "member:M-2")
    assert isinstance(bad, Refusal)
    assert (bad.line, bad.field) == (3, "decision")


def test_its_cases_are_routed(dental: Task) -> None:
    settings = RoutingSettings(audit_rate=LEAST_INCLUSION, key=KEY)
    covered = prediction(dental, COVERED=0.95, REFUSED=0.05)
    refused = prediction(dental, COVERED=0.05, REFUSED=0.95)

    assert covered.case.group_id == "member:M-1"
    assert route_prediction(covered, rollout(), settings, now=CAME_IN) == Review("unchecked")
    assert route_prediction(refused, rollout(), settings, now=CAME_IN) == Review("unchecked")


def test_its_cases_are_shown_for_review(dental: Task) -> None:
    case = case_of(submitted(task=dental.name, input=dict(dental.examples[0])))
    view = case_view(assignment(requested(case=case, answer=None, reason="no_champion")))

    assert [option.label.name for option in view.options] == ["COVERED", "REFUSED"]
    assert [section.title for section in view.facts.sections] == ["Claim", "Treatment"]
    hidden: dict[str, Any] = mask_member_data(dental, case.input)
    assert (hidden["member_id"], hidden["findings"]) == (MASK, MASK)
    assert hidden["treatment"] == "crown on tooth 14"
