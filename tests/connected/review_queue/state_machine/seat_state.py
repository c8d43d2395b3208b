"""What stands in the database: whether a model says the same, and what must always be true."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.connected.review_queue.harness import Queue
from tests.connected.review_queue.state_machine.seat_model import Model

_SEATS = """
SELECT r.case_id, s.seat, s.kind, s.state, r.label, r.deciding_seat,
    o.reviewer, o.label AS said, o.label_before
FROM review_queue.seats AS s JOIN review_queue.reviews AS r USING (review_id)
LEFT JOIN review_queue.opinions AS o USING (review_id, seat)
"""
_ASSIGNMENTS = """
SELECT r.case_id, a.seat, a.reviewer, a.state, a.label_before, a.assignment_id, a.token
FROM review_queue.assignments AS a JOIN review_queue.reviews AS r USING (review_id)
ORDER BY a.leased_at, a.assignment_id
"""
_EVENTS = "SELECT topic, convert_from(key, 'UTF8') AS case_id FROM review_queue.outbox"
_PAUSED = "SELECT name FROM review_queue.users WHERE paused_at IS NOT NULL"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Stored:
    """What stands in the database."""

    seats: Rows
    assignments: Rows
    events: Rows
    paused: set[str]

    @classmethod
    async def read(cls, queue: Queue) -> "Stored":
        paused = {row["name"] for row in await queue.fetch(_PAUSED)}
        seats, assignments, events = [
            await queue.fetch(query) for query in (_SEATS, _ASSIGNMENTS, _EVENTS)
        ]
        return cls(seats, assignments, events, paused)


def same(model: Model, stored: Stored) -> bool:
    seats = {
        (case, number): (seat.kind, seat.state, review.label, review.deciding_seat, seat.opinion)
        for case, review in model.reviews.items()
        for number, seat in enumerate(review.seats, start=1)
    }
    found = {
        (row["case_id"], row["seat"]): (
            row["kind"],
            row["state"],
            row["label"],
            row["deciding_seat"],
            (row["reviewer"], row["said"], row["label_before"]) if row["said"] else None,
        )
        for row in stored.seats
    }
    leases = Counter((e.case, e.seat, e.reviewer, e.state, e.before) for e in model.leases)
    held = Counter(
        (row["case_id"], row["seat"], row["reviewer"], row["state"], row["label_before"])
        for row in stored.assignments
    )
    return seats == found and leases == held and model.paused == stored.paused


def holds(stored: Stored) -> None:
    """What must be true of the tables at any time, whatever the model says."""
    live: Counter[tuple[str, int]] = Counter()
    seats_of_reviewer: Counter[tuple[str, str]] = Counter()
    states: dict[tuple[str, int], str] = {}
    for row in stored.assignments:
        seat = row["case_id"], row["seat"]
        if row["state"] in {"leased", "submitted"}:
            live[seat] += 1
        if row["state"] in {"leased", "submitted", "answered"}:
            states[seat] = row["state"]
        if row["state"] in {"leased", "submitted", "answered", "escalated"}:
            seats_of_reviewer[row["case_id"], row["reviewer"]] += 1
    assert all(count == 1 for count in live.values()), "a seat has two holders"
    assert all(count == 1 for count in seats_of_reviewer.values()), "somebody is asked twice"
    for row in stored.seats:
        held = states.get((row["case_id"], row["seat"]))
        assert row["state"] in ({held} if held else {"queued", "withdrawn"})
        assert (row["said"] is not None) is (row["state"] in {"submitted", "answered"})
    assert all(row["seat"] <= 4 for row in stored.seats)
    _events_are_complete(stored)


def _events_are_complete(stored: Stored) -> None:
    """A completed review has one event of each kind; an open one has none and an open seat."""
    events = Counter((row["topic"], row["case_id"]) for row in stored.events)
    by_case: dict[str, Rows] = {}
    for row in stored.seats:
        by_case.setdefault(row["case_id"], []).append(row)
    for case, seats in by_case.items():
        is_complete = seats[0]["label"] is not None
        for topic in ("reviews.completed.v1", "decisions.made.v1"):
            assert events.pop((topic, case), 0) == is_complete
        assert sum(seat["kind"] == "final" for seat in seats) <= 1
        ended = all(seat["state"] in {"answered", "withdrawn"} for seat in seats)
        assert ended is is_complete
    assert not events
