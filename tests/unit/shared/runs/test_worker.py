"""How an attempt at a run ends: what counts as a try, what fails, and what is raised."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.errors import Rejected, Transient
from shared.runs import worker
from shared.runs.child_process import ChildOutcome
from shared.runs.leases import LostLease
from shared.runs.worker import RunBroke, RunFailed, RunWorker, run_reporting_child, work_forever
from tests.support.patience import PATIENCE_SECONDS


@dataclass(frozen=True)
class Run:
    run_id: int
    attempt: int


@dataclass
class Recorded:
    """A store that only notes what it is told."""

    told: list[tuple[str, object]] = field(default_factory=list)
    lost: bool = False

    async def extend(self, run: Run, *, seconds: float) -> None:
        self.told.append(("extended", seconds))

    async def release(self, run: Run, *, counted: bool) -> None:
        if self.lost:
            raise LostLease(run.run_id)
        self.told.append(("released", counted))

    async def fail(self, run: Run, reason: str) -> None:
        self.told.append(("failed", reason))


async def work_off(store: Recorded, error: Exception | None, *, attempt: int = 1) -> None:
    """The work of this run ends with that error; a run is tried twice."""

    async def work(_: Run) -> None:
        if error is not None:
            raise error

    worker = RunWorker(store, work=work, fail=store.fail, attempts=2, lease_seconds=30.0)
    await worker.work_off(Run(1, attempt))


@pytest.mark.parametrize(
    ("error", "attempt", "told"),
    [
        (None, 1, []),
        (LostLease(1), 1, []),
        (RunFailed("diverged"), 1, [("failed", "diverged")]),
        (Rejected("damaged", field="manifest"), 1, [("failed", "manifest: damaged")]),
        (RunBroke("killed by SIGKILL"), 1, [("released", True)]),
        (RunBroke("killed by SIGKILL"), 2, [("failed", "killed by SIGKILL")]),
    ],
)
async def test_each_end_is_told_apart(
    error: Exception | None, attempt: int, told: list[tuple[str, object]]
) -> None:
    store = Recorded()
    await work_off(store, error, attempt=attempt)
    assert store.told == told


@pytest.mark.parametrize("attempt", [1, 2])
async def test_an_outage_counts_as_no_try_and_is_raised(attempt: int) -> None:
    store = Recorded()
    with pytest.raises(Transient):
        await work_off(store, Transient("storage is unavailable"), attempt=attempt)
    assert store.told == [("released", False)]


async def test_what_nobody_foresaw_is_tried_again_and_raised_each_time() -> None:
    store = Recorded()
    for attempt in (1, 2):
        with pytest.raises(KeyError):
            await work_off(store, KeyError("x"), attempt=attempt)
    assert store.told == [("released", True), ("failed", "KeyError at attempt 2; see log")]


async def test_who_lost_the_lease_meanwhile_neither_releases_nor_raises() -> None:
    store = Recorded(lost=True)
    await work_off(store, Transient("storage is unavailable"))
    assert store.told == []


def child(monkeypatch: pytest.MonkeyPatch, *says: dict[str, Any]) -> None:
    async def run_module(
        module: str, arguments: list[str], on_report: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> ChildOutcome:
        for said in says:
            await on_report(said)
        return ChildOutcome(0, "")

    monkeypatch.setattr(worker, "run_module", run_module)


async def test_progress_is_reported_and_the_last_word_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[dict[str, Any]] = []

    async def report(said: dict[str, Any]) -> None:
        reported.append(said)

    monkeypatch.setattr(worker, "_REPORT_SECONDS", PATIENCE_SECONDS)
    child(monkeypatch, {"phase": "x"}, {"step": 1}, {"step": 2}, {"result": "y"})
    outcome, last = await run_reporting_child("module", [], report, progress_field="step")

    assert outcome == ChildOutcome(0, "")
    assert reported == [{"step": 1}]  # the second came too soon after it
    assert last == {"result": "y"}


async def test_a_report_that_cannot_be_recorded_ends_nothing_but_a_lost_lease_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child(monkeypatch, {"step": 1}, {"result": "y"})

    async def away(_: dict[str, Any]) -> None:
        raise Transient("PostgreSQL is unavailable")

    async def lost(_: dict[str, Any]) -> None:
        raise LostLease(1)

    _, last = await run_reporting_child("module", [], away, progress_field="step")
    assert last == {"result": "y"}
    with pytest.raises(LostLease):
        await run_reporting_child("module", [], lost, progress_field="step")


async def test_turns_follow_each_other_also_after_an_idle_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error ends the loop: its keeper says so and starts it again."""
    ends = [True, False, True]

    async def turn() -> bool:
        if not ends:
            raise Transient("PostgreSQL is unavailable")
        return ends.pop()

    monkeypatch.setattr(worker, "_IDLE_SECONDS", 0.0)
    with pytest.raises(Transient):
        await work_forever(turn)
    assert ends == []
