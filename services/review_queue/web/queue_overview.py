"""The overview of the queue: counts, put together by task, and within it by reason and kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.reading.listing import SeatCount
from services.review_queue.reviewing.states import Kind, SeatState
from services.review_queue.web.case_view import REASONS
from shared.tasks import get_task

STATES: dict[SeatState, str] = {
    "queued": "Waiting",
    "leased": "In progress",
    "submitted": "Submitted",
    "answered": "Done, last 24 h",
}
# What a seat asks for: a short title and a sentence.
KINDS: dict[Kind, tuple[str, str]] = {
    "first": ("First opinion", "Every review has one."),
    "second": ("Second opinion", "Asked of a share of the reviews, blind to the first."),
    "further": ("Further opinion", "Asked where two disagree, or of a share from the start."),
    "final": ("Final word", "Disputed or escalated; a senior decides."),
}
PRIORITIES: dict[int, str] = {1: "Returned", 2: "Normal", 3: "Audit"}


@dataclass(frozen=True)
class Row:
    """Seats of one reason, or of one kind, by state in the order of `STATES`."""

    key: str
    title: str
    meaning: str
    counts: tuple[int, ...]
    share: float  # of the task's waiting seats, per cent
    oldest: datetime | None  # of those that wait


@dataclass(frozen=True)
class TaskOverview:
    name: str
    title: str
    totals: tuple[int, ...]
    oldest: datetime | None
    rows: tuple[Row, ...]  # by reason, the most frequent first
    kinds: tuple[Row, ...]


def overview(counts: Sequence[SeatCount]) -> tuple[TaskOverview, ...]:
    tasks = dict.fromkeys(count.task for count in counts)
    return tuple(_task(name, [c for c in counts if c.task == name]) for name in tasks)


def _task(name: str, counts: Sequence[SeatCount]) -> TaskOverview:
    totals = _totals(counts)

    def row(key: str, words: tuple[str, str], counts: Sequence[SeatCount]) -> Row:
        here = _totals(counts)
        share = 100 * here[0] / totals[0] if totals[0] else 0.0
        return Row(key, *words, here, share, _oldest(counts))

    reasons = [
        row(reason, words, [count for count in counts if count.reason == reason])
        for reason, words in REASONS.items()
    ]
    kinds = [
        row(kind, words, [count for count in counts if count.kind == kind])
        for kind, words in KINDS.items()
    ]
    return TaskOverview(
        name=name,
        title=get_task(name).title,
        totals=totals,
        oldest=_oldest(counts),
        rows=tuple(sorted(_filled(reasons), key=lambda each: each.counts, reverse=True)),
        kinds=_filled(kinds),
    )


def _filled(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(each for each in rows if any(each.counts))


def _totals(counts: Sequence[SeatCount]) -> tuple[int, ...]:
    return tuple(sum(c.seats for c in counts if c.state == state) for state in STATES)


def _oldest(counts: Sequence[SeatCount]) -> datetime | None:
    return min((c.oldest_requested_at for c in counts if c.state == "queued"), default=None)
