"""Notes on a review: whose they are, and who may write them."""

import pytest

from shared.errors import NotFound
from shared.events import review_id_of
from tests.connected.review_queue.harness import DENIED, Queue, actor, lease_handle

REVIEW = review_id_of("case-1")


async def notes(queue: Queue) -> list[tuple[str, str]]:
    found = await queue.listing.detail(REVIEW)
    return [(note.author, note.text) for note in found.notes]


async def test_who_has_or_had_the_case_writes_notes(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.notes.write(REVIEW, "page two is missing", by=actor("amara"))
    await queue.assignments.release(held, "outside my field")
    await queue.notes.write(REVIEW, "ask the provider", by=actor("amara"))
    await queue.answer("bo", DENIED)
    await queue.settle()
    await queue.notes.write(REVIEW, "they sent it later", by=actor("bo"))

    assert await notes(queue) == [
        ("amara", "page two is missing"),
        ("amara", "ask the provider"),
        ("bo", "they sent it later"),
    ]


async def test_who_reads_all_cases_writes_notes_too(queue: Queue) -> None:
    await queue.request("case-1")

    for name in ("sam", "lee"):
        await queue.notes.write(REVIEW, "look at the second rule", by=actor(name))

    assert [author for author, _ in await notes(queue)] == ["sam", "lee"]


async def test_others_do_not_and_there_must_be_a_review(queue: Queue) -> None:
    await queue.request("case-1")
    await queue.lease("bo")

    for name, review_id in (("amara", REVIEW), ("lee", "no-such-review"), ("bo", "no-such")):
        with pytest.raises(NotFound):
            await queue.notes.write(review_id, "hello", by=actor(name))

    assert await notes(queue) == []


async def test_finding_whether_somebody_had_a_case_goes_by_an_index(queue: Queue) -> None:
    await queue.request(*(f"case-{number}" for number in range(300)))
    for number in range(300):
        await queue.lease(f"reviewer-{number}")
    await queue.fetch("ANALYZE review_queue.assignments")

    rows = await queue.fetch(
        "EXPLAIN SELECT FROM review_queue.assignments WHERE review_id = 'x' AND reviewer = 'y'"
    )

    plan = "\n".join(str(row["QUERY PLAN"]) for row in rows)
    assert "Index" in plan
    assert "Seq Scan" not in plan


async def test_whoever_decides_reads_what_they_may_and_no_names(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.notes.write(REVIEW, "page two is missing", by=actor("amara"))
    await queue.assignments.escalate(held, "I cannot say")
    await queue.notes.write(REVIEW, "the provider called", by=actor("sam"))

    async def read(name: str, *, all_of_them: bool) -> list[tuple[str, bool]]:
        found = await queue.notes.read(REVIEW, by=actor(name), all_of_them=all_of_them)
        return [(note.text, note.own) for note in found]

    assert await read("amara", all_of_them=False) == [("page two is missing", True)]
    assert await read("bo", all_of_them=False) == []
    assert await read("sam", all_of_them=True) == [
        ("page two is missing", False),
        ("the provider called", True),
    ]
