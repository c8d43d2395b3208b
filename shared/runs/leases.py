"""Leases on long work: who holds a run may write it, until another process takes it over."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from shared.errors import Transient
from shared.telemetry import logger


class LostLease(Exception):
    """Another process has taken the run over."""


class LeasedRun(Protocol):
    """A run that this process holds. `attempt` counts from 1 and is the fencing token."""

    @property
    def run_id(self) -> str | int: ...

    @property
    def attempt(self) -> int: ...


def process_name() -> str:
    """This process, as the owner of leases: no other that lives has the name."""
    return f"{socket.gethostname()}:{os.getpid()}"


@asynccontextmanager
async def keep_lease(extend: Callable[[], Awaitable[None]], *, every: float) -> AsyncIterator[None]:
    """Extend a lease every so many seconds; a lost one shows at the holder's next write."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await extend()
            except (LostLease, Transient) as error:
                logger.warning("lease not extended", reason=f"{type(error).__name__}: {error}")

    heartbeat = asyncio.create_task(beat())
    try:
        yield
    finally:
        heartbeat.cancel()
