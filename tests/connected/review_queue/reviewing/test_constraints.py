"""What the database itself refuses, whatever a program asks of it."""

from typing import Any

import asyncpg
import pytest

from services.review_queue.reviewing.review import Shares
from shared.events import review_id_of
from tests.connected.review_queue.harness import APPROVED, DENIED, PENDING, Queue

REVIEW = review_id_of("case-1")
_LEASE = (
    "INSERT INTO review_queue.assignments (review_id, seat, reviewer, state, lease_expires_at) "
    "VALUES ($1, $2, $3, $4, now() + interval '1 hour')"
)
_SEAT = (
    "INSERT INTO review_queue.seats "
    "(review_id, seat, kind, task, reason, priority, requested_at, queue_rank) "
    "VALUES ($1, $2, $3, 'adjudication', 'adverse', 2, now(), now())"
)
_OPINION = (
    "INSERT INTO review_queue.opinions (review_id, seat, reviewer, label, reasoning, dwell_seconds)"
    "VALUES ($1, $2, $3, 'DENIED', 'so', 1)"
)


async def refuses(
    queue: Queue, error: type[asyncpg.PostgresError], statement: str, *arguments: Any
) -> None:
    with pytest.raises(error):
        await queue.fetch(statement, *arguments)


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("state", ["leased", "submitted", "answered"])
async def test_a_seat_has_one_holder_for_ever(queue: Queue, answered: bool, state: str) -> None:
    await queue.request("case-1")
    if answered:
        await queue.answer("amara", DENIED)
        await queue.settle()
    else:
        await queue.lease("amara")

    await refuses(queue, asyncpg.UniqueViolationError, _LEASE, REVIEW, 1, "bo", state)


@pytest.mark.parametrize("state", ["leased", "submitted", "answered"])
async def test_a_reviewer_has_one_seat_of_a_review(queue: Queue, state: str) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1")
    await queue.answer("amara", DENIED)
    if state != "submitted":
        await queue.settle()

    await refuses(queue, asyncpg.UniqueViolationError, _LEASE, REVIEW, 2, "amara", state)


async def test_who_has_escalated_gets_no_seat(queue: Queue) -> None:
    await queue.request("case-1")
    await queue.lease("amara")
    await queue.fetch(
        "UPDATE review_queue.assignments SET state = 'escalated', ended_why = 'beyond me'"
    )

    await refuses(queue, asyncpg.UniqueViolationError, _LEASE, REVIEW, 1, "amara", "leased")


async def test_nobody_gives_an_opinion_more_than_there_are_seats(queue: Queue) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1")
    for name, answer in {"amara": DENIED, "bo": APPROVED}.items():
        await queue.answer(name, answer)
    await queue.settle()
    await queue.answer("cleo", PENDING)
    await queue.settle()
    await queue.answer("sam", DENIED)
    await queue.settle()

    await refuses(queue, asyncpg.UniqueViolationError, _OPINION, REVIEW, 4, "dora")
    await refuses(queue, asyncpg.ForeignKeyViolationError, _OPINION, REVIEW, 5, "dora")
    await refuses(queue, asyncpg.CheckViolationError, _SEAT, REVIEW, 5, "further")
    await refuses(queue, asyncpg.UniqueViolationError, _SEAT, REVIEW, 4, "final")
    assert len(await queue.fetch("SELECT 1 FROM review_queue.opinions")) == 4


async def test_nobody_has_two_opinions(queue: Queue) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1")
    await queue.answer("amara", DENIED)

    await refuses(queue, asyncpg.UniqueViolationError, _OPINION, REVIEW, 2, "amara")


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE review_queue.reviews SET label = 'DENIED'", asyncpg.CheckViolationError),
        ("UPDATE review_queue.reviews SET completed_at = now()", asyncpg.CheckViolationError),
        ("UPDATE review_queue.reviews SET wanted = 4", asyncpg.CheckViolationError),
        ("UPDATE review_queue.seats SET state = 'submitted'", asyncpg.CheckViolationError),
        ("UPDATE review_queue.seats SET settles_at = now()", asyncpg.CheckViolationError),
        ("UPDATE review_queue.seats SET kind = 'fourth'", asyncpg.CheckViolationError),
        ("UPDATE review_queue.assignments SET state = 'released'", asyncpg.CheckViolationError),
        ("UPDATE review_queue.assignments SET ended_why = 'so'", asyncpg.CheckViolationError),
        ("UPDATE review_queue.assignments SET label_before = 'X'", asyncpg.CheckViolationError),
        ("DELETE FROM review_queue.reviews", asyncpg.ForeignKeyViolationError),
        ("DELETE FROM review_queue.seats", asyncpg.ForeignKeyViolationError),
    ],
)
async def test_half_truths_are_refused(
    queue: Queue, statement: str, error: type[asyncpg.PostgresError]
) -> None:
    await queue.request("case-1")
    await queue.lease("amara")

    await refuses(queue, error, statement)
