"""Executes leased runs: renews the lease while a run works, and handles each way it can end.

Work that returns has recorded its result. `Transient`: an engine was unavailable, and the attempt
does not count. `Rejected` and `RunFailed`: over, another try would end the same way. `RunBroke` and
whatever nobody foresaw: tried again, up to the limit. `LostLease`: it is another process's now.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from shared.errors import Rejected, Transient
from shared.runs.child_process import ChildOutcome, run_module
from shared.runs.leases import LeasedRun, LostLease, keep_lease
from shared.telemetry import logger

_IDLE_SECONDS = 0.5
_REPORT_SECONDS = 1.0

Run = TypeVar("Run", bound=LeasedRun)
RunIn = TypeVar("RunIn", bound=LeasedRun, contravariant=True)
Report = dict[str, Any]


class RunFailed(Exception):
    """The run ended without a result, and would end so again. The text is its reason."""


class RunBroke(Exception):
    """The run was cut off without a word: another try may end well. The text is the reason."""


class RunStore(Protocol[RunIn]):
    """What working off needs of a service's store."""

    async def extend(self, run: RunIn, *, seconds: float) -> None: ...

    async def release(self, run: RunIn, *, counted: bool) -> None: ...


async def work_forever(turn: Callable[[], Awaitable[bool]]) -> None:
    """Take turn after turn; after one that found nothing to do, wait a moment."""
    while True:
        if not await turn():
            await asyncio.sleep(_IDLE_SECONDS)


@dataclass(frozen=True)
class RunWorker(Generic[Run]):
    """Does `work` for one leased run after the other; `fail` records the reason of a failure."""

    store: RunStore[Run]
    work: Callable[[Run], Awaitable[None]]
    fail: Callable[[Run, str], Awaitable[None]]
    attempts: int  # at most
    lease_seconds: float

    async def work_off(self, run: Run) -> None:
        """One attempt, to its end. What nobody foresaw, and what is away, is raised, too."""
        try:
            await self._attempt(run)
        except LostLease:
            logger.warning("lease lost", run=run.run_id)

    async def _attempt(self, run: Run) -> None:
        seconds = self.lease_seconds
        try:
            async with keep_lease(
                lambda: self.store.extend(run, seconds=seconds), every=seconds / 3
            ):
                await self.work(run)
        except LostLease:
            raise
        except Transient:
            await self.store.release(run, counted=False)
            raise
        except (RunFailed, Rejected) as error:
            await self.fail(run, str(error))
        except RunBroke as error:
            await self._try_again(run, str(error))
        except Exception as error:
            await self._try_again(run, f"{type(error).__name__} at attempt {run.attempt}; see log")
            raise

    async def _try_again(self, run: Run, reason: str) -> None:
        if run.attempt < self.attempts:
            logger.warning("run broke", run=run.run_id, reason=reason)
            await self.store.release(run, counted=True)
        else:
            await self.fail(run, reason)


async def run_reporting_child(
    module: str,
    arguments: Sequence[str],
    report: Callable[[Report], Awaitable[None]],
    *,
    progress_field: str,
) -> tuple[ChildOutcome, Report]:
    """Work in a child module: how it ended, and the last that it said.

    What it says with a `progress_field` is reported, at most once a second. A report that cannot
    be recorded now is left out: the lease decides who works on.
    """
    last: Report = {}
    reported = float("-inf")

    async def on_report(message: Report) -> None:
        nonlocal last, reported
        last = message
        if progress_field in message and time.monotonic() - reported >= _REPORT_SECONDS:
            reported = time.monotonic()
            with suppress(Transient):
                await report(message)

    outcome = await run_module(module, arguments, on_report)
    return outcome, last
