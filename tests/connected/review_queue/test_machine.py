"""The queue under everything at once: reviewers, clocks and crashes, compared with a plain model.

Whatever happens at the same time must have an order in which the model would have done the same.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from services.review_queue.reviews import Shares
from services.review_queue.work import Hold
from shared.database import Connection, Database
from shared.errors import Conflict, Transient
from tests.connected.review_queue.queues import (
    APPROVED,
    DENIED,
    PENDING,
    Queue,
    actor,
    running,
)
from tests.connected.review_queue.seat_model import Model, Name, Operation, Outcome
from tests.support.builders import NOW

REVIEWERS = ("amara", "bo", "cleo", "sam", "sofia")
SENIORS = frozenset({"sam", "sofia"})
ANSWERS = {answer.label: answer for answer in (APPROVED, DENIED, PENDING)}
CASES = 5
MINUTE = timedelta(minutes=1)
ON_A_LEASE: tuple[Name, ...] = ("heartbeat", "commit", "submit", "release", "escalate", "undo")
NAMES: tuple[Name, ...] = (
    *ON_A_LEASE, "submit", "submit", "undo", "lease", "lease", "settle", "expire", "pause",
    "resume", "resume",
)  # fmt: skip

reviewers = st.sampled_from(REVIEWERS)
labels = st.sampled_from(sorted(ANSWERS))


@dataclass(frozen=True)
class Wish:
    """What somebody is about to do, before it is known on which lease."""

    name: Name
    reviewer: str
    which: int
    amiss: bool  # on any lease, also where it makes no sense
    label: str


numbers = st.integers(0, 7)
wishes = st.builds(
    Wish, st.sampled_from(NAMES), reviewers, numbers, numbers.map(lambda n: n > 5), labels
)


def one_of(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(name), *arguments)


# Whoever stands here twice comes twice as often.
one_step = st.one_of(
    one_of("request", st.booleans(), st.booleans()),
    one_of("lease", st.lists(reviewers, min_size=2, max_size=6)),
    one_of("lease", st.lists(reviewers, min_size=2, max_size=6)),
    one_of("act", st.lists(wishes, min_size=2, max_size=4)),
    one_of("act", st.lists(wishes, min_size=2, max_size=4)),
    one_of("together", st.lists(wishes, min_size=2, max_size=4)),
    one_of("together", st.lists(wishes, min_size=2, max_size=4)),
    one_of("together", st.lists(wishes, min_size=2, max_size=4)),
    one_of("stale", wishes),
    one_of("connection_lost", wishes),
    one_of("cancelled", wishes, st.floats(0.0, 0.006)),
    one_of("time_passes", st.sampled_from((1, 1, 60, 120)), st.booleans()),
)


class CrashingDatabase(Database):
    """Its connection is lost in every transaction, when all is done but the commit."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with super().transaction() as connection:
            yield connection
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@dataclass
class World:
    """Two processes on one database, a third that crashes, and a loop to run them in."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    one: Queue
    other: Queue
    crashing: Queue


@asynccontextmanager
async def processes(url: str) -> AsyncIterator[tuple[Queue, Queue, Queue]]:
    async with AsyncExitStack() as stack:
        one, other, crashing = [await stack.enter_async_context(running(url)) for _ in range(3)]
        crashing.database.__class__ = CrashingDatabase
        yield one, other, crashing


async def start_over(queue: Queue) -> None:
    await queue.fetch(
        "TRUNCATE review_queue.reviews, review_queue.users, review_queue.outbox CASCADE"
    )
    await queue.fetch(
        "INSERT INTO review_queue.users (name, role, password_hash, created_by) "
        "SELECT name, role, 'none', 'test' FROM unnest($1::text[], $2::text[]) AS t (name, role)",
        REVIEWERS,
        [actor(name).role for name in REVIEWERS],
    )


async def perform(queue: Queue, op: Operation, key: tuple[Any, int] | None) -> Outcome:
    """Do it. `key` are the id of the assignment and its token, where there is one."""
    try:
        if op.name == "lease":
            return await _lease(queue, op.reviewer)
        if op.name in {"expire", "settle"}:
            await getattr(queue.settlement, op.name)()
        elif op.name == "pause":
            await queue.reviewers.pause(op.reviewer, "training day", by=actor("lee"))
        elif op.name == "resume":
            await queue.reviewers.resume(op.reviewer, by=actor("lee"))
        else:
            assert key is not None
            await _work(queue, op, Hold(key[0], actor(op.reviewer), key[1]))
    except Conflict:
        return "refused"
    return "done"


async def _lease(queue: Queue, reviewer: str) -> Outcome:
    found = await queue.line.lease(actor(reviewer))
    if found is None:
        return "nothing"
    (row,) = await queue.fetch(
        "SELECT seat FROM review_queue.assignments WHERE assignment_id = $1", found.assignment_id
    )
    return found.request.case.case_id, row["seat"]


async def _work(queue: Queue, op: Operation, hold: Hold) -> None:
    acts: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "heartbeat": lambda: queue.work.heartbeat(hold, opened=True),
        "commit": lambda: queue.work.commit(hold, op.label),
        "submit": lambda: queue.work.submit(hold, ANSWERS[op.label]),
        "release": lambda: queue.work.release(hold, "outside my field"),
        "escalate": lambda: queue.work.escalate(hold, "beyond me"),
        "undo": lambda: queue.work.undo(hold),
    }
    await acts[op.name]()


_SEATS = """
SELECT r.case_id, s.seat, s.kind, s.state, r.label, r.standing,
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
        (case, number): (seat.kind, seat.state, review.label, review.standing, seat.opinion)
        for case, review in model.reviews.items()
        for number, seat in enumerate(review.seats, start=1)
    }
    found = {
        (row["case_id"], row["seat"]): (
            row["kind"],
            row["state"],
            row["label"],
            row["standing"],
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


def agrees(model: Model, op: Operation, outcome: Outcome) -> bool:
    """Whether the model does the same; a lease may pass over what others are busy with."""
    if op.name != "lease":
        return model.apply(op) == outcome
    if not model.may_lease(op.reviewer) or not isinstance(outcome, tuple):
        return outcome == ("nothing" if model.may_lease(op.reviewer) else "refused")
    if outcome not in {(case, number) for case, number, _ in model.free(op.reviewer)}:
        return False
    model.lease(op.reviewer, *outcome)
    return True


class Machine(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(SENIORS)
        self.do(start_over(self.world.one))

    def do(self, task: Coroutine[Any, Any, Any]) -> Any:
        return self.world.run(task)

    def stored(self) -> Stored:
        found: Stored = self.do(Stored.read(self.world.one))
        return found

    def operation(self, wish: Wish) -> tuple[Operation, tuple[Any, int] | None] | None:
        """The wish on a lease of somebody's; nothing if there is none."""
        op = Operation(wish.name, wish.reviewer, label=wish.label)
        if wish.name == "resume" and self.model.paused and not wish.amiss:
            op = replace(op, reviewer=min(self.model.paused))
        if wish.name not in ON_A_LEASE:
            return op, None
        leases = self.model.leases
        apt = "submitted" if wish.name == "undo" else "leased"
        choice = [n for n, e in enumerate(leases) if wish.amiss or e.state == apt]
        if not choice:
            return None
        held = choice[wish.which % len(choice)]
        lease = leases[held]
        like = [e for e in leases[:held] if self._alike(e) == self._alike(lease)]
        rows = [row for row in self.stored().assignments if self._row(row) == self._alike(lease)]
        key = rows[len(like)]["assignment_id"], rows[len(like)]["token"]
        return replace(op, reviewer=lease.reviewer, held=held, version=lease.version), key

    @staticmethod
    def _alike(lease: Any) -> tuple[str, int, str]:
        return lease.case, lease.seat, lease.reviewer

    @staticmethod
    def _row(row: dict[str, Any]) -> tuple[str, int, str]:
        return row["case_id"], row["seat"], row["reviewer"]

    @initialize(cases=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=5))
    def requests(self, cases: list[tuple[bool, bool]]) -> None:
        for overlap, withheld in cases:
            self.request(overlap, withheld)

    @rule(step=one_step)
    def step(self, step: tuple[Any, ...]) -> None:
        """One rule for all: Hypothesis leaves out some rules of each run, and these need all."""
        name, *arguments = step
        getattr(self, name)(*arguments)

    def request(self, overlap: bool, withheld: bool) -> None:
        if len(self.model.reviews) == CASES:
            return
        case = f"case-{len(self.model.reviews)}"
        self.world.one.shares = Shares(overlap=float(overlap), withheld=float(withheld))
        at = NOW + MINUTE * len(self.model.reviews)
        self.do(self.world.one.request(case, case, occurred_at=at))
        self.model.request(case, overlap=overlap, withheld=withheld)

    def lease(self, names: list[str]) -> None:
        """One after the other, reviewers get exactly what is next."""
        for reviewer in names:
            expected: Sequence[Outcome] = ["refused"]
            if self.model.may_lease(reviewer):
                expected = self.model.next_for(reviewer) or ["nothing"]

            found = self.do(perform(self.world.one, Operation("lease", reviewer), None))

            assert found in expected
            if isinstance(found, tuple):
                self.model.lease(reviewer, *found)

    def act(self, wishes: list[Wish]) -> None:
        """One after the other."""
        for wish in wishes:
            self.together([wish])

    def together(self, wishes: list[Wish]) -> None:
        """At once, by two processes."""
        ops = [op for op in map(self.operation, wishes) if op]
        parts = (self.world.one, self.world.other)

        async def race() -> list[Outcome]:
            return await asyncio.gather(
                *(perform(parts[n % 2], op, key) for n, (op, key) in enumerate(ops))
            )

        outcomes = self.do(race())
        again = self._again([op for op, _ in ops])
        done = list(zip([op for op, _ in ops], outcomes, strict=True))
        self.model = self._explained(done, again)

    def _again(self, ops: Sequence[Operation]) -> list[Operation]:
        """Sweeps pass over what is locked, and find it the next time."""
        sweeps = [op for op in dict.fromkeys(ops) if op.name in {"expire", "settle"}]
        for op in sweeps:
            self.do(perform(self.world.one, op, None))
        return sweeps

    def _explained(self, done: list[tuple[Operation, Outcome]], again: list[Operation]) -> Model:
        """The model after some order of what was done that has these outcomes and this state."""
        stored = self.stored()
        for order in permutations(done):
            tried = deepcopy(self.model)
            if all(agrees(tried, op, outcome) for op, outcome in order):
                for op in again:
                    tried.apply(op)
                if same(tried, stored):
                    return tried
        raise AssertionError(f"no order explains {done}")

    def stale(self, wish: Wish) -> None:
        """A token that is not the newest does nothing."""
        found = self.operation(wish)
        if found is None or found[1] is None:
            return
        op, (assignment_id, token) = found[0], found[1]

        outcome = self.do(perform(self.world.one, op, (assignment_id, token - 1)))

        assert outcome == "refused"

    def connection_lost(self, wish: Wish) -> None:
        """What is not committed has not happened."""
        found = self.operation(wish)
        if found is None:
            return
        try:
            outcome = self.do(perform(self.world.crashing, *found))
        except Transient:
            return
        assert outcome == "refused"  # that is told before the connection is lost

    def cancelled(self, wish: Wish, seconds: float) -> None:
        """The process ends somewhere in between: all of it has happened, or nothing."""
        found = self.operation(wish)
        if found is None or wish.name == "heartbeat":  # of which the state tells nothing
            return
        op, key = found

        async def end_early() -> None:
            task = asyncio.ensure_future(perform(self.world.other, op, key))
            await asyncio.sleep(seconds)
            task.cancel()
            await asyncio.wait([task])

        self.do(end_early())
        stored = self.stored()
        if same(self.model, stored):
            return
        outcomes = [(row["case_id"], row["seat"]) for row in stored.assignments]
        for outcome in (*outcomes, "done"):
            tried = deepcopy(self.model)
            if agrees(tried, op, outcome) and same(tried, stored):
                self.model = tried
                return
        raise AssertionError(f"{op} happened by half")

    def time_passes(self, minutes: int, sweeps: bool) -> None:
        self.do(self.world.one.forward(MINUTE * minutes))
        self.model.now += minutes
        if sweeps:
            self.together([Wish("expire", "", 0, False, ""), Wish("settle", "", 0, False, "")])

    @invariant()
    def the_model_agrees(self) -> None:
        assert same(self.model, self.stored())

    @invariant()
    def nothing_is_held_or_said_twice(self) -> None:
        holds(self.stored())

    def teardown(self) -> None:
        """No seat is lost: whatever has happened, enough people can complete every review."""
        self.do(finish(self.world.one))
        stored = self.stored()
        holds(stored)
        assert all(row["label"] for row in stored.seats)


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
        assert states.get((row["case_id"], row["seat"]), "queued") == row["state"]
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
        assert all(seat["state"] == "answered" for seat in seats) is is_complete
    assert not events


async def finish(queue: Queue) -> None:
    """Everybody who is new and nobody who is tired works until nothing is left."""
    await queue.expire()
    for number in range(40):
        newcomer = actor(f"newcomer-{number}", "senior")
        while (found := await queue.line.lease(newcomer)) is not None:
            hold = Hold(found.assignment_id, newcomer, found.token)
            await queue.work.submit(hold, APPROVED)
        await queue.settle()
        rows = await queue.fetch("SELECT 1 FROM review_queue.reviews WHERE completed_at IS NULL")
        if not rows:
            return
    raise AssertionError("reviews are left that nobody can complete")


@pytest.mark.slow
def test_the_queue_does_what_the_model_does(database: str) -> None:
    with asyncio.Runner() as runner:
        managed = processes(database)
        one, other, crashing = runner.run(managed.__aenter__())
        Machine.world = World(runner.run, one, other, crashing)
        try:
            run_state_machine_as_test(
                Machine,
                settings=settings(
                    max_examples=40,
                    stateful_step_count=25,
                    deadline=None,
                    derandomize=True,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(managed.__aexit__(None, None, None))
