"""Earlier cases of a member, kept from events that come in any order and more than once."""

from datetime import timedelta
from typing import Any

import pytest

from services.review_queue.reading.member_history import MemberHistory
from shared.events import DecisionMade, PredictionMade
from tests.connected.review_queue.harness import Queue
from tests.support.builders.events import NOW, case, claim_input, predicted
from tests.support.builders.reviews import corrected

MEMBER = "member:M-1"


@pytest.fixture
def history(queue: Queue) -> MemberHistory:
    return MemberHistory(queue.database)


def prediction(case_id: str, *, days: int = 1, **changes: Any) -> PredictionMade:
    at = NOW - timedelta(days=days)
    fields = {"group_id": MEMBER, "claim_id": f"claim-{case_id}", "submitted_at": at, **changes}
    return predicted(case_id, case=case(case_id, **fields))


def decision(case_id: str, label: str = "APPROVED", **changes: Any) -> DecisionMade:
    fields: dict[str, Any] = {
        "occurred_at": NOW,
        "case_id": case_id,
        "task": "adjudication",
        "claim_id": f"claim-{case_id}",
        "group_id": MEMBER,
        "label": label,
        "decided_by": "human",
        "reviewer": "amara",
        "route_reason": "adverse",
        "inclusion_probability": 1.0,
        "content_sha256": "0" * 64,
    }
    return DecisionMade.model_validate({**fields, **changes})


async def told(history: MemberHistory, **changes: Any) -> list[tuple[Any, ...]]:
    asked = {"before": NOW, "except_case": "case-now", **changes}
    found = await history.earlier_cases(MEMBER, "adjudication", **asked)
    return [(each.case_id, each.label, each.decided_by, each.corrected) for each in found]


async def test_events_come_in_any_order_and_twice(history: MemberHistory) -> None:
    for _ in range(2):
        await history.decisions_corrected([corrected("a", label="DENIED", revision=1)])
        await history.predictions_made([prediction("a", days=3), prediction("b", days=2)])
        await history.decisions_made([decision("a", "APPROVED")])
        await history.decisions_made(
            [decision("c", decided_by="model", model_version="adjudication-v1.0", reviewer=None)]
        )
        await history.predictions_made([prediction("c", days=1)])

    assert await told(history) == [
        ("c", "APPROVED", "model", False),
        ("b", None, None, False),
        ("a", "DENIED", "human", True),
    ]


async def test_the_newest_correction_counts_also_within_one_batch(history: MemberHistory) -> None:
    await history.predictions_made([prediction("a")])
    newest, older = (
        corrected("a", label=label, revision=n) for label, n in (("PENDING", 2), ("DENIED", 1))
    )
    await history.decisions_corrected([newest, older])
    await history.decisions_corrected([older])

    assert await told(history) == [("a", "PENDING", "human", True)]


async def test_only_what_came_before_of_the_same_member_and_task(history: MemberHistory) -> None:
    await history.predictions_made(
        [
            prediction("before"),
            prediction("case-now"),
            prediction("later", days=-1),
            prediction("of-another", group_id="member:M-2"),
        ]
    )

    assert await told(history) == [("before", None, None, False)]


async def test_ten_are_shown_with_the_tasks_summary_and_nothing_else(
    history: MemberHistory,
) -> None:
    await history.predictions_made([prediction(f"case-{n}", days=n) for n in range(1, 13)])

    found = await history.earlier_cases(MEMBER, "adjudication", before=NOW, except_case="case-now")

    assert [each.case_id for each in found] == [f"case-{n}" for n in range(1, 11)]
    summary = {"service_date", "diagnosis_codes", "procedure_codes", "billed_amount"}
    assert found[0].summary == {name: claim_input()[name] for name in summary}
    assert (found[0].claim_id, found[0].submitted_at) == (
        "claim-case-1",
        NOW - timedelta(days=1),
    )
