"""The queue under everything at once: reviewers, clocks and crashes, compared with a plain model.

Whatever happens at the same time must have an order in which the model would have done the same.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from copy import deepcopy
from dataclasses import replace
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

from services.review_queue.reviewing.review import Shares
from shared.errors import Transient
from tests.connected.review_queue.state_machine.seat_model import SWEEPS, Model, Operation, Outcome
from tests.connected.review_queue.state_machine.seat_state import Stored, holds, same
from tests.connected.review_queue.state_machine.seat_steps import ON_A_LEASE, Wish, one_step
from tests.connected.review_queue.state_machine.seat_world import (
    ANSWERS,
    MINUTE,
    NEW,
    NEW_SENIORS,
    SENIORS,
    CrashingDatabase,
    World,
    perform,
    processes,
    start_over,
)
from tests.support.builders.events import NOW

CASES = 5


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
        leases = self.model.leases
        if wish.name in {"pause", "resume"} and not wish.amiss:
            op = replace(op, reviewer=self._whom(wish))
        if wish.name not in ON_A_LEASE:
            return op, None
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

    def _whom(self, wish: Wish) -> str:
        """Somebody who works, to be paused; somebody who is paused, to be resumed."""
        working = [e.reviewer for e in self.model.leases if e.state in {"leased", "submitted"}]
        choice = working if wish.name == "pause" else sorted(self.model.paused)
        return choice[wish.which % len(choice)] if choice else wish.reviewer

    @staticmethod
    def _alike(lease: Any) -> tuple[str, int, str]:
        return lease.case, lease.seat, lease.reviewer

    @staticmethod
    def _row(row: dict[str, Any]) -> tuple[str, int, str]:
        return row["case_id"], row["seat"], row["reviewer"]

    @initialize(cases=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=5))
    def requests(self, cases: list[tuple[bool, bool]]) -> None:
        for overlap, blind in cases:
            self.request(overlap, blind)

    @rule(step=one_step)
    def step(self, step: tuple[Any, ...]) -> None:
        """One rule for all: Hypothesis leaves out some rules of each run, and these need all."""
        name, *arguments = step
        getattr(self, name)(*arguments)

    def request(self, overlap: bool, blind: bool) -> None:
        if len(self.model.reviews) == CASES:
            return
        case = f"case-{len(self.model.reviews)}"
        self.world.one.shares = Shares(overlap=float(overlap), blind=float(blind))
        at = NOW + MINUTE * len(self.model.reviews)
        self.do(self.world.one.request(case, case, occurred_at=at))
        self.model.request(case, overlap=overlap, blind=blind)

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
        sweeps = [op for op in dict.fromkeys(ops) if op.name in SWEEPS]
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

    def connection_lost(self, wish: Wish, spared: int) -> None:
        """What is not committed has not happened."""
        found = self.operation(wish)
        if found is None:
            return
        database = self.world.crashing.database
        assert isinstance(database, CrashingDatabase)
        database.spared = spared
        try:
            outcome = self.do(perform(self.world.crashing, *found))
        except Transient:
            self._all_or_nothing(found[0], nothing=not spared)
        else:  # a refusal is told before the connection is lost
            assert spared or outcome == "refused"
            assert agrees(self.model, found[0], outcome)

    def cancelled(self, wish: Wish, seconds: float) -> None:
        """The process ends somewhere in between."""
        found = self.operation(wish)
        if found is None or wish.name == "heartbeat":  # of which the state tells nothing
            return

        async def end_early() -> None:
            task = asyncio.ensure_future(perform(self.world.other, *found))
            await asyncio.sleep(seconds)
            task.cancel()
            await asyncio.wait([task])

        self.do(end_early())
        self._all_or_nothing(found[0])

    def _all_or_nothing(self, op: Operation, *, nothing: bool = False) -> None:
        stored = self.stored()
        if nothing or same(self.model, stored):
            return
        leased: list[Outcome] = [(row["case_id"], row["seat"]) for row in stored.assignments]
        for outcome in (*leased, "done"):
            tried = deepcopy(self.model)
            if agrees(tried, op, outcome) and same(tried, stored):
                self.model = tried
                return
        raise AssertionError(f"{op} happened by half")

    def time_passes(self, minutes: int, sweeps: bool) -> None:
        self.do(self.world.one.forward(MINUTE * minutes))
        self.model.now += minutes
        if sweeps:  # both processes do, whoever is first
            names = (*SWEEPS, *reversed(SWEEPS))
            self.together([Wish(name, "", 0, False, "") for name in names])

    @invariant()
    def the_model_agrees(self) -> None:
        assert same(self.model, self.stored())

    @invariant()
    def nothing_is_held_or_said_twice(self) -> None:
        holds(self.stored())

    def teardown(self) -> None:
        """No seat is lost: whatever has happened, people who are new complete every review."""
        self.model.now += 60
        self.do(self.world.one.forward(MINUTE * 60))
        self.sweep()
        for number, (adjudicator, senior) in enumerate(zip(NEW, NEW_SENIORS, strict=True)):
            for name in (adjudicator, senior):
                self.lease([name] * 3)
                self._submit_all(name, first=number)
            self.model.now += 1
            self.do(self.world.one.forward(MINUTE))
            self.sweep()
            if all(review.label for review in self.model.reviews.values()):
                break
        stored = self.stored()
        assert same(self.model, stored)
        holds(stored)
        assert all(row["label"] for row in stored.seats), "reviews are left that nobody gets"

    def sweep(self) -> None:
        for name in SWEEPS:
            self.together([Wish(name, "", 0, False, "")])

    def _submit_all(self, reviewer: str, *, first: int) -> None:
        """With an answer that others do not give."""
        for which, lease in enumerate(self.model.leases):
            if lease.reviewer == reviewer and lease.state == "leased":
                label = sorted(ANSWERS)[(first + which) % len(ANSWERS)]
                held = [n for n, e in enumerate(self.model.leases) if e.state == "leased"]
                self.together([Wish("submit", "", held.index(which), False, label)])


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
