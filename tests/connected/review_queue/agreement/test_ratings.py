"""Which answers are compared for agreement, and what a reviewer is told of their own work."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.review_queue.agreement.ratings import RatingScope, Statistics
from services.review_queue.agreement.report import agreement_report
from services.review_queue.reviewing.opinions import Answer, Correction
from services.review_queue.reviewing.review import Shares
from shared.events import review_id_of
from tests.connected.review_queue.harness import (
    APPROVED,
    DENIED,
    HOUR,
    PENDING,
    Queue,
    actor,
    lease_handle,
    said,
)
from tests.support.builders.events import ADJUDICATION

MODEL = "model adjudication-v1.0"  # which says DENIED


@pytest.fixture
def statistics(queue: Queue) -> Statistics:
    return Statistics(queue.database, correction=HOUR * 24)


def lately(**changes: Any) -> RatingScope:
    now = datetime.now(UTC)
    fields = {"task": "adjudication", "since": now - HOUR, "until": now + HOUR}
    return RatingScope(**{**fields, **changes})


async def twice(queue: Queue, case_id: str, first: Answer, second: Answer) -> None:
    """A review that two answer; the first and the second seat are amara's and bo's."""
    queue.shares = Shares(overlap=1.0, blind=queue.shares.blind)
    await queue.request(case_id)
    await said(queue, ("amara", first), ("bo", second))


async def test_answers_with_the_model_in_view_are_not_independent(
    queue: Queue, statistics: Statistics
) -> None:
    await twice(queue, "case-1", APPROVED, DENIED)
    await said(queue, ("cleo", DENIED))

    assert (await statistics.rated(lately())).units == []
    (unit,) = (await statistics.rated(lately(basis="all"))).units
    assert unit == {"amara": "APPROVED", "bo": "DENIED", MODEL: "DENIED"}
    assert list(unit)[:2] == ["amara", "bo"]  # in the order of their seats


async def test_of_a_blind_review_counts_what_was_said_before(
    queue: Queue, statistics: Statistics
) -> None:
    queue.shares = Shares(overlap=0.0, blind=1.0)
    await queue.request("changed", "never-shown")
    for name in ("amara", "bo"):
        held = lease_handle(await queue.lease(name), name)
        if name == "amara":
            await queue.assignments.commit(held, "APPROVED")
        await queue.assignments.submit(held, DENIED)
    await queue.settle()

    rated = await statistics.rated(lately())

    assert rated.models == {MODEL}
    assert sorted(rated.units, key=str) == [
        {"amara": "APPROVED", MODEL: "DENIED"},
        {"bo": "DENIED", MODEL: "DENIED"},
    ]
    after = await statistics.rated(lately(basis="all"))
    assert {"amara": "DENIED", MODEL: "DENIED"} in after.units


async def test_without_a_model_every_answer_is_independent(
    queue: Queue, statistics: Statistics
) -> None:
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1", answer=None, reason="no_champion")
    for name in ("amara", "bo"):
        await queue.answer(name, PENDING)
    await queue.settle()

    rated = await statistics.rated(lately())

    assert (rated.units, rated.models) == ([{"amara": "PENDING", "bo": "PENDING"}], frozenset())


async def test_who_was_asked_because_of_the_others_is_not_compared(
    queue: Queue, statistics: Statistics
) -> None:
    queue.shares = Shares(overlap=0.0, blind=1.0)
    await twice(queue, "case-1", APPROVED, DENIED)
    await queue.answer("cleo", PENDING)
    await queue.settle()
    await queue.answer("sam", DENIED)
    await queue.settle()

    (unit,) = (await statistics.rated(lately())).units

    assert set(unit) == {"amara", "bo", MODEL}


async def test_what_can_still_be_undone_is_not_compared(
    queue: Queue, statistics: Statistics
) -> None:
    queue.shares = Shares(overlap=0.0, blind=1.0)
    await queue.decide("case-1", APPROVED)

    assert (await statistics.rated(lately())).units == []
    await queue.settle()
    assert len((await statistics.rated(lately())).units) == 1


async def test_what_a_reader_may_still_be_asked_about_is_not_compared(
    queue: Queue, statistics: Statistics
) -> None:
    """A narrow span of time would tell a lead what was said of a single case."""
    queue.shares = Shares(overlap=1.0, blind=1.0)

    async def told() -> list[dict[str, str]]:
        return [dict(unit) for unit in (await statistics.rated(lately(basis="all"))).units]

    await queue.request("case-1")
    await queue.answer("amara", APPROVED)
    await queue.settle()
    assert await told() == []  # a second is asked
    await queue.answer("bo", DENIED)
    await queue.settle()
    assert await told() == []  # a further one is
    await queue.answer("cleo", PENDING)
    await queue.settle()
    said = {"amara": "APPROVED", "bo": "DENIED"}
    assert await told() == [said]  # who has the final word reads them, and not the model
    await queue.answer("sam", DENIED)
    await queue.settle()
    assert await told() == [{**said, MODEL: "DENIED"}]


async def test_only_the_task_and_the_time_that_were_asked_for(
    queue: Queue, statistics: Statistics
) -> None:
    queue.shares = Shares(overlap=0.0, blind=1.0)
    await twice(queue, "case-1", DENIED, DENIED)
    now = datetime.now(UTC)

    assert len((await statistics.rated(lately())).units) == 1
    for changes in ({"task": "independent_review"}, {"since": now}, {"until": now - HOUR / 2}):
        assert (await statistics.rated(lately(**changes))).units == [], changes


async def test_too_many_are_cut_and_said_to_be(
    queue: Queue, statistics: Statistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.review_queue.agreement.ratings.MOST_OPINIONS", 2)
    queue.shares = Shares(overlap=0.0, blind=1.0)
    await twice(queue, "old", APPROVED, APPROVED)
    await queue.forward(timedelta(minutes=5))
    await twice(queue, "new", DENIED, DENIED)

    rated = await statistics.rated(lately())

    assert rated.cut
    assert rated.units == [{"amara": "DENIED", "bo": "DENIED", MODEL: "DENIED"}]


async def test_the_report_has_experts_beside_the_model(
    queue: Queue, statistics: Statistics
) -> None:
    queue.shares = Shares(overlap=0.0, blind=1.0)
    await twice(queue, "agree", DENIED, DENIED)
    await twice(queue, "differ", APPROVED, DENIED)
    await said(queue, ("cleo", DENIED))

    found = agreement_report(await statistics.rated(lately()), labels=ADJUDICATION.label_names)

    assert (found.overall.experts.reviews, found.overall.experts.raw) == (2, 0.5)
    assert (found.overall.with_model.pairs, found.overall.with_model.raw) == (4, 0.75)
    assert found.confusions.experts.counts == ((0, 1, 0), (0, 1, 0), (0, 0, 0))
    assert found.confusions.with_model.counts == ((0, 1, 0), (0, 3, 0), (0, 0, 0))
    assert set(found.pairs.with_model) == {("amara", MODEL), ("bo", MODEL)}


async def test_ones_own_agreement_tells_nothing_of_open_reviews(
    queue: Queue, statistics: Statistics
) -> None:
    now = datetime.now(UTC)

    async def own(name: str) -> dict[str, int]:
        found = await statistics.own(name, since=now - HOUR, until=now + HOUR)
        return {task: figures.reviews for task, figures in found.items()}

    await twice(queue, "open", APPROVED, DENIED)  # a third one is asked
    assert await own("amara") == {}
    await queue.answer("cleo", DENIED)
    await queue.settle()

    assert await own("amara") == await own("bo") == {"adjudication": 1}
    assert await own("cleo") == {}  # was asked because of the others


async def test_done_says_what_became_of_each_decision(queue: Queue, statistics: Statistics) -> None:
    await queue.decide("corrected", DENIED)
    await queue.settle()
    change = Correction(Answer("APPROVED", "records came"), "records came", 0)
    await queue.corrections.correct(review_id_of("corrected"), change, by=actor())
    await twice(queue, "outvoted", APPROVED, DENIED)
    await queue.answer("cleo", DENIED)
    await queue.settle()
    queue.shares = Shares(overlap=0.0, blind=0.0)
    await queue.decide("leaving", PENDING)
    await queue.decide("of-bo", PENDING, reviewer="bo")
    since = datetime.now(UTC) - HOUR * 30

    found = await statistics.decisions("amara", since=since, before=since + HOUR * 31, limit=10)

    shown = {d.case_id: (d.label, d.settled_label, d.corrected_label, d.revision) for d in found}
    assert shown == {
        "leaving": ("PENDING", None, None, 0),
        "outvoted": ("APPROVED", "DENIED", None, 0),
        "corrected": ("DENIED", "DENIED", "APPROVED", 1),
    }
    assert list(shown) == ["leaving", "outvoted", "corrected"]
    open_until = {d.case_id: d.open_until for d in found}
    assert (open_until["leaving"], open_until["outvoted"]) == (None, None)
    assert open_until["corrected"] is not None
    leaves = {d.case_id: d.leaves_in_seconds for d in found}
    assert leaves["leaving"] is not None
    assert 0 < leaves["leaving"] <= queue.assignments.limits.undo.total_seconds()
    assert leaves["corrected"] is None
    await queue.forward(HOUR * 24)
    again = await statistics.decisions("amara", since=since, before=since + HOUR * 31, limit=10)
    assert all(d.open_until is None for d in again)


async def test_done_follows_page_by_page(queue: Queue, statistics: Statistics) -> None:
    for number in range(5):
        await queue.decide(f"case-{number}", APPROVED)
    since, before = datetime.now(UTC) - HOUR, datetime.now(UTC) + HOUR
    seen: list[str] = []
    while page := await statistics.decisions("amara", since=since, before=before, limit=2):
        seen += [done.case_id for done in page]
        before = page[-1].decided_at

    assert seen == [f"case-{number}" for number in (4, 3, 2, 1, 0)]


async def test_pace_is_the_median_time_a_case(queue: Queue, statistics: Statistics) -> None:
    since = datetime.now(UTC) - HOUR
    assert (await statistics.pace("amara", since=since)).median_seconds is None
    for seconds in (10, 20, 90):
        await queue.request(f"case-{seconds}")
        held = lease_handle(await queue.lease())
        await queue.fetch(
            "UPDATE review_queue.assignments SET leased_at = leased_at - $1::interval "
            "WHERE assignment_id = $2",
            timedelta(seconds=seconds),
            held.assignment_id,
        )
        await queue.assignments.submit(held, APPROVED)

    pace = await statistics.pace("amara", since=since)

    assert pace.decided == 3
    assert pace.median_seconds is not None
    assert 20 <= pace.median_seconds < 40  # the mean is 40, and what the test takes comes on top
