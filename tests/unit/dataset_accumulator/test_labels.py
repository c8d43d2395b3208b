"""What becomes a label: settled reviews and history. What the experts found stays beside it."""

from typing import Any

import pytest

from services.dataset_accumulator.labels import label_of_history, label_of_review
from shared.errors import Rejected
from shared.events import ReviewCompleted
from shared.tasks import TASKS
from shared.tasks.adjudication import standing
from tests.support.builders.events import ADJUDICATION, case, claim_input
from tests.support.builders.histories import ROW, row
from tests.support.builders.reviews import completed


def test_a_settled_review_is_a_label() -> None:
    review = completed("case-1", reason="audit", inclusion_probability=0.05)

    label = label_of_review(review)

    assert (label.case_id, label.review_id) == ("case-1", review.review_id)
    assert (label.reason, label.source, label.inclusion_probability) == ("audit", "review", 0.05)
    assert label.group_id == review.case.group_id
    assert label.evidence["opinions"][0]["reviewer"] == "amara"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"label": "MAYBE"}, "label"),
        ({"case": case(input={"claim_id": "CLM-1"})}, "input.policy_id"),
        ({"case": case(task="astrology")}, "task"),
    ],
)
def test_a_review_that_its_task_does_not_know_is_refused(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Rejected) as refused:
        label_of_review(completed("case-1", **changes))

    assert refused.value.field == field


def test_a_redelivered_review_has_the_same_content_and_a_changed_one_another() -> None:
    review = completed("case-1")
    again = ReviewCompleted.model_validate_json(review.model_dump_json())
    other = completed("case-1", label="DENIED")

    assert label_of_review(again).content_sha256 == label_of_review(review).content_sha256
    assert label_of_review(other).content_sha256 != label_of_review(review).content_sha256


def test_a_row_imported_under_another_policy_is_the_same_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = ADJUDICATION.history.read(row(1))
    before = label_of_history(ADJUDICATION, "CLM-1", claim)
    monkeypatch.setattr(standing, "policy_of", lambda _: None)

    after = label_of_history(ADJUDICATION, "CLM-1", claim)

    assert after.input != before.input
    assert after.content_sha256 == before.content_sha256


def test_history_is_marked_and_named_by_task_and_claim() -> None:
    first, again, other = (
        label_of_history(ADJUDICATION, found["claim_id"], ADJUDICATION.history.read(found))
        for found in (row(1), row(1, member_id="M-9"), row(2))
    )

    assert (first.reason, first.source, first.inclusion_probability) == ("import", "import", 1.0)
    assert first.review_id == again.review_id != other.review_id
    assert first.group_id == "member:M-1"
    assert first.evidence == {"medical_analysis": ROW["medical_analysis"]}


def test_the_findings_reach_neither_input_nor_prompt() -> None:
    label = label_of_history(ADJUDICATION, "CLM-1", ADJUDICATION.history.read(row(1)))

    prompt = ADJUDICATION.prompt(label.input)

    assert "FINDING" not in f"{label.input}{prompt}{label.reasoning}"


def test_an_imported_claim_and_a_live_case_of_one_member_share_their_group() -> None:
    """What inference derives for a case without a group, the import derives too."""
    imported = label_of_history(ADJUDICATION, "CLM-1", ADJUDICATION.history.read(row(1)))
    live = ADJUDICATION.validate(claim_input(member_id="M-1"))

    assert imported.group_id == ADJUDICATION.group_of(live)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_the_column_that_names_the_claim_is_required(task: Any) -> None:
    assert task.history.claim_column in task.history.required_columns
