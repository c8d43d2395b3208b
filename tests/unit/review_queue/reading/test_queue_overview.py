from datetime import timedelta
from typing import Any

from services.review_queue.reading.listing import SeatCount
from services.review_queue.reading.queue_overview import queue_overview
from tests.support.builders.events import NOW


def count(seats: int, **changes: Any) -> SeatCount:
    fields: dict[str, Any] = {
        "task": "adjudication",
        "reason": "adverse",
        "kind": "first",
        "state": "queued",
        "oldest_requested_at": NOW,
    }
    return SeatCount(**{**fields, "seats": seats, **changes})


def test_counts_are_put_together_by_task_and_reason() -> None:
    later = NOW + timedelta(hours=1)
    (of_task,) = queue_overview(
        [
            count(30, oldest_requested_at=later),
            count(2, state="leased"),
            count(10, reason="audit"),
            count(7, reason="audit", state="answered"),
        ]
    )

    assert of_task.totals == (40, 2, 0, 7)
    assert of_task.oldest == NOW
    assert [(row.key, row.counts, row.share) for row in of_task.reasons] == [
        ("adverse", (30, 2, 0, 0), 75.0),
        ("audit", (10, 0, 0, 7), 25.0),
    ]


def test_only_what_waits_has_a_longest_wait() -> None:
    (of_task,) = queue_overview([count(3, state="answered")])

    assert of_task.oldest is None
    assert of_task.reasons[0].share == 0.0


def test_each_task_has_its_own_overview() -> None:
    overviews = queue_overview([count(1), count(2, task="independent_review")])

    assert [task.totals[0] for task in overviews] == [1, 2]


def test_seats_of_every_kind_are_put_together() -> None:
    (of_task,) = queue_overview([count(5), count(4, kind="second"), count(1, kind="final")])

    assert of_task.totals == (10, 0, 0, 0)
    assert [row.counts for row in of_task.reasons] == [(10, 0, 0, 0)]
