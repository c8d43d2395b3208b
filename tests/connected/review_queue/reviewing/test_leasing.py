import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from services.review_queue.reviewing.review import Assignment
from shared.errors import Conflict, NotFound
from tests.connected.review_queue.harness import APPROVED, HOUR, Queue, actor, lease_handle
from tests.support.builders.events import NOW, case
from tests.support.builders.requests import requested


async def test_fifty_reviewers_never_hold_the_same_case(queue: Queue, second: Queue) -> None:
    names = [f"case-{number}" for number in range(300)]
    await queue.request(*names)
    taken: list[Assignment] = []

    async def work(number: int) -> None:
        process, reviewer = (queue, second)[number % 2], f"reviewer-{number}"
        while (found := await process.leasing.lease(actor(reviewer))) is not None:
            taken.append(found)
            await process.assignments.submit(lease_handle(found, reviewer), APPROVED)

    await asyncio.gather(*map(work, range(50)))

    assert Counter(found.request.case.case_id for found in taken) == Counter(names)
    assert len({found.token for found in taken}) == 300
    assert set((await queue.states()).values()) == {"submitted"}
    assert len(await queue.fetch("SELECT 1 FROM review_queue.opinions")) == 300


async def test_more_reviewers_than_cases(queue: Queue) -> None:
    await queue.request("case-1", "case-2")

    found = await asyncio.gather(*(queue.leasing.lease(actor(f"reviewer-{n}")) for n in range(50)))

    assert sum(each is not None for each in found) == 2


async def test_nobody_hoards_even_by_asking_at_once(queue: Queue) -> None:
    await queue.request(*(f"case-{number}" for number in range(10)))

    found = await asyncio.gather(
        *(queue.leasing.lease(actor("amara")) for _ in range(8)), return_exceptions=True
    )

    assert sum(isinstance(each, Assignment) for each in found) == 3
    assert sum(isinstance(each, Conflict) for each in found) == 5
    assert len(await queue.leasing.held("amara")) == 3


async def test_the_line_goes_by_priority_and_time(queue: Queue) -> None:
    requests: dict[str, dict[str, Any]] = {
        "audit": {"reason": "audit"},
        "old": {"occurred_at": NOW - timedelta(hours=30)},
        "again": {"case": case("again", attempt=2)},
        "new": {},
    }
    for name, changes in requests.items():
        await queue.request(name, **changes)

    order = [(await queue.lease(f"r-{n}")).request.case.case_id for n in range(4)]

    assert order == ["old", "again", "audit", "new"]


async def test_task_and_priority_can_be_asked_for(queue: Queue) -> None:
    await queue.request("ordinary")
    await queue.request("again", case=case("again", attempt=2), occurred_at=NOW)

    assert await queue.leasing.lease(actor("bo"), task="independent_review") is None
    ordinary = await queue.lease("bo", task="adjudication", priority=2)
    assert ordinary.request.case.case_id == "ordinary"
    assert await queue.leasing.lease(actor("bo"), task="adjudication", priority=2) is None
    assert (await queue.lease("bo", priority=1)).request.case.case_id == "again"


async def test_an_expired_lease_goes_to_the_next_and_a_late_submit_does_not_count(
    queue: Queue,
) -> None:
    await queue.request("case-1")
    late = lease_handle(await queue.lease("amara"))

    assert await queue.expire() == 1

    with pytest.raises(Conflict, match="expired"):
        await queue.assignments.submit(late, APPROVED)
    with pytest.raises(Conflict, match="expired"):
        await queue.assignments.heartbeat(late, opened=False)
    with pytest.raises(NotFound, match="the lease has expired; nothing was counted"):
        await queue.leasing.assignment(late.assignment_id, "amara")
    with pytest.raises(NotFound, match="you have no such assignment"):
        await queue.leasing.assignment(late.assignment_id, "bo")
    again = await queue.lease("bo")
    with pytest.raises(Conflict, match="expired"):
        await queue.assignments.submit(late, APPROVED)
    await queue.assignments.submit(lease_handle(again, "bo"), APPROVED)
    (opinion,) = await queue.fetch("SELECT reviewer FROM review_queue.opinions")
    assert opinion["reviewer"] == "bo"


async def test_a_lease_is_over_when_its_time_is_not_when_it_is_swept(queue: Queue) -> None:
    await queue.request("case-1")
    late = lease_handle(await queue.lease())
    await queue.forward(HOUR)

    with pytest.raises(Conflict, match="expired"):
        await queue.assignments.submit(late, APPROVED)
    assert await queue.leasing.held("amara") == []


async def test_a_heartbeat_keeps_the_lease(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.forward(HOUR * 0.9)
    await queue.assignments.heartbeat(held, opened=False)
    await queue.forward(HOUR * 0.9)

    assert await queue.settlement.expire() == 0
    await queue.assignments.submit(held, APPROVED)


async def test_dwelling_counts_from_the_first_look(queue: Queue) -> None:
    await queue.request("looked-at", "prefetched")
    first, ahead = [lease_handle(await queue.lease()) for _ in range(2)]
    await queue.assignments.heartbeat(first, opened=True)
    await queue.forward(timedelta(minutes=2))
    await queue.assignments.heartbeat(first, opened=True)
    await queue.assignments.heartbeat(ahead, opened=True)
    await queue.forward(timedelta(minutes=1))

    for held in (first, ahead):
        await queue.assignments.submit(held, APPROVED)

    rows = await queue.fetch("SELECT dwell_seconds FROM review_queue.opinions ORDER BY 1")
    assert [round(row["dwell_seconds"] / 60) for row in rows] == [1, 3]


async def test_nobody_dwells_less_than_no_time(queue: Queue) -> None:
    """A heartbeat that began after the submit, and came before it."""
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.fetch(
        "UPDATE review_queue.assignments SET opened_at = clock_timestamp() + interval '1 second'"
    )

    await queue.assignments.submit(held, APPROVED)
    await queue.settle()

    completed, _ = await queue.events()
    assert completed.opinions[0].dwell_seconds == 0.0


async def test_a_skipped_case_goes_to_others_at_once_and_comes_back_late(queue: Queue) -> None:
    await queue.request("case-1")
    await queue.assignments.release(lease_handle(await queue.lease()), "outside my field")

    assert await queue.leasing.lease(actor("amara")) is None
    other = await queue.lease("bo")
    await queue.assignments.release(lease_handle(other, "bo"), "something is missing")
    await queue.forward(queue.assignments.limits.skip)

    assert (await queue.lease("amara")).request.case.case_id == "case-1"
    rows = await queue.fetch(
        "SELECT reviewer, ended_why FROM review_queue.assignments WHERE state = 'released'"
    )
    assert {tuple(row.values()) for row in rows} == {
        ("amara", "outside my field"),
        ("bo", "something is missing"),
    }


async def test_what_is_given_back_is_given_back(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.assignments.release(held, "outside my field")

    for act in (queue.assignments.submit(held, APPROVED), queue.assignments.release(held, "again")):
        with pytest.raises(Conflict, match="given back"):
            await act


async def test_leases_survive_a_restart(queue: Queue, second: Queue) -> None:
    await queue.request("case-1")
    found = await queue.lease()

    assert await second.leasing.held("amara") == [found]
    await second.assignments.submit(lease_handle(found), APPROVED)


async def test_the_next_case_is_found_by_an_index_and_not_by_sorting(queue: Queue) -> None:
    await queue.handlers.intake.add([requested(f"case-{n}") for n in range(500)])
    for wanted, index in {
        "kind <> 'final'": "seats_next ",
        "kind <> 'final' AND task = 'adjudication'": "seats_next_of_task ",
        "kind = 'final'": "seats_next_final ",
    }.items():
        rows = await queue.fetch(
            f"EXPLAIN SELECT review_id FROM review_queue.seats WHERE state = 'queued' AND {wanted} "
            "ORDER BY queue_rank LIMIT 1 FOR UPDATE SKIP LOCKED"
        )

        plan = "\n".join(str(row["QUERY PLAN"]) for row in rows)
        assert index in plan
        assert "Sort" not in plan
