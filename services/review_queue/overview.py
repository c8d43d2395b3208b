"""The overview of the queue: counts, put together by task and reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.listing import Count
from services.review_queue.states import SeatState
from services.review_queue.views import REASONS
from shared.tasks import get_task

STATES: dict[SeatState, str] = {
    "queued": "Waiting",
    "leased": "In work",
    "submitted": "Submitted",
    "answered": "Done, last 24 h",
}


@dataclass(frozen=True)
class ReasonRow:
    """One reason's reviews by state, in the order of `STATES`."""

    title: str
    meaning: str
    counts: tuple[int, ...]
    share: float  # of the task's waiting reviews, per cent
    oldest: datetime | None  # of those that wait


@dataclass(frozen=True)
class TaskOverview:
    title: str
    totals: tuple[int, ...]
    oldest: datetime | None
    rows: tuple[ReasonRow, ...]


def overview(counts: Sequence[Count]) -> tuple[TaskOverview, ...]:
    tasks = dict.fromkeys(count.task for count in counts)
    return tuple(_task(name, [c for c in counts if c.task == name]) for name in tasks)


def _task(name: str, counts: Sequence[Count]) -> TaskOverview:
    waiting = _totals(counts)[0]
    reasons = dict.fromkeys(count.reason for count in counts)
    rows = []
    for reason in reasons:
        found = [count for count in counts if count.reason == reason]
        totals = _totals(found)
        share = 100 * totals[0] / waiting if waiting else 0.0
        rows.append(ReasonRow(*REASONS[reason], totals, share, _oldest(found)))
    rows.sort(key=lambda row: row.counts, reverse=True)
    return TaskOverview(get_task(name).title, _totals(counts), _oldest(counts), tuple(rows))


def _totals(counts: Sequence[Count]) -> tuple[int, ...]:
    return tuple(sum(c.seats for c in counts if c.state == state) for state in STATES)


def _oldest(counts: Sequence[Count]) -> datetime | None:
    return min((c.oldest_requested_at for c in counts if c.state == "queued"), default=None)
