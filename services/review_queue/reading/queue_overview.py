"""The overview of the queue: its counts by task, and within a task by reason and by kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.reading.listing import SeatCount
from services.review_queue.reviewing.consensus import KINDS_IN_ORDER
from services.review_queue.reviewing.states import SeatState

# A withdrawn seat asks nobody any more.
COUNTED_STATES: tuple[SeatState, ...] = ("queued", "leased", "submitted", "answered")


@dataclass(frozen=True)
class CountRow:
    """Seats of one reason, or of one kind, by state in the order of `COUNTED_STATES`."""

    key: str
    counts: tuple[int, ...]
    share: float  # of the task's waiting seats, per cent
    oldest: datetime | None  # of those that wait


@dataclass(frozen=True)
class TaskOverview:
    name: str
    totals: tuple[int, ...]
    oldest: datetime | None
    reasons: tuple[CountRow, ...]  # the most frequent first
    kinds: tuple[CountRow, ...]


def queue_overview(counts: Sequence[SeatCount]) -> tuple[TaskOverview, ...]:
    tasks = dict.fromkeys(count.task for count in counts)
    return tuple(_of_task(task, [c for c in counts if c.task == task]) for task in tasks)


def _of_task(task: str, counts: Sequence[SeatCount]) -> TaskOverview:
    totals = _totals(counts)
    waiting = totals[0]
    reasons = [
        _row(reason, [c for c in counts if c.reason == reason], waiting)
        for reason in dict.fromkeys(count.reason for count in counts)
    ]
    kinds = [_row(kind, [c for c in counts if c.kind == kind], waiting) for kind in KINDS_IN_ORDER]
    return TaskOverview(
        name=task,
        totals=totals,
        oldest=_oldest(counts),
        reasons=tuple(sorted(_filled(reasons), key=lambda row: row.counts, reverse=True)),
        kinds=_filled(kinds),
    )


def _row(key: str, counts: Sequence[SeatCount], waiting: int) -> CountRow:
    totals = _totals(counts)
    share = 100 * totals[0] / waiting if waiting else 0.0
    return CountRow(key, totals, share, _oldest(counts))


def _filled(rows: Sequence[CountRow]) -> tuple[CountRow, ...]:
    return tuple(row for row in rows if any(row.counts))


def _totals(counts: Sequence[SeatCount]) -> tuple[int, ...]:
    return tuple(sum(c.seats for c in counts if c.state == state) for state in COUNTED_STATES)


def _oldest(counts: Sequence[SeatCount]) -> datetime | None:
    return min((c.oldest_requested_at for c in counts if c.state == "queued"), default=None)
