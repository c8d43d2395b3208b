"""Leases on long work: who holds a run may write it, until another process takes it over.

For a table `runs` with the columns `run_id`, `status`, `owner`, `attempts` and `lease_until`; the
attempt is the fencing token, and the database's clock decides.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from shared.errors import Transient
from shared.storage.database import Connection
from shared.telemetry import logger


class LostLease(Exception):
    """Another process has taken the run over."""


async def hold(
    connection: Connection,
    schema: str,
    run_id: str | int,
    *,
    owner: str,
    attempt: int,
    seconds: float,
) -> None:
    """Extend the lease of `schema.runs` by so many seconds from now; `LostLease` if it is gone."""
    result = await connection.execute(
        f"UPDATE {schema}.runs SET lease_until = now() + make_interval(secs => $4) "  # noqa: S608
        "WHERE run_id = $1 AND owner = $2 AND attempts = $3 AND status = 'running'",
        run_id,
        owner,
        attempt,
        seconds,
    )
    if result != "UPDATE 1":
        raise LostLease(run_id)


@asynccontextmanager
async def kept(extend: Callable[[], Awaitable[None]], *, every: float) -> AsyncIterator[None]:
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
