"""Which process of a service sends its events: the one that holds a lease, by the database's clock.

A lost or stopped holder is replaced once its lease has lapsed. The token grows with every holder
and fences what a holder writes: one that was replaced without noticing changes nothing any more.
"""

import os
import socket
import time
from dataclasses import dataclass, field
from uuid import uuid4

from shared.storage.database import Connection

LEASE_TABLE = """
CREATE TABLE IF NOT EXISTS {schema}.relay_lease (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    token bigint NOT NULL,
    holder text NOT NULL,
    expires_at timestamptz NOT NULL
)"""
LEASE_SECONDS = 10.0
RENEW_SECONDS = 2.0


class LostLeadership(Exception):
    """Another process has taken the lease over."""


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


@dataclass
class Leadership:
    """The lease of a service's relay, as one process sees it. `token` is None while others lead."""

    schema: str
    holder: str = field(default_factory=_holder)
    token: int | None = None
    _renewed: float = 0.0

    async def leads(self, connection: Connection) -> bool:
        """Take the lease if nobody has it, renew it when that is due; whether it is ours."""
        if self.token is None:
            await self._take(connection)
        elif time.monotonic() > self._renewed + RENEW_SECONDS:
            await self.renew(connection)
        return self.token is not None

    async def renew(self, connection: Connection) -> None:
        """Hold the lease from now on; `LostLeadership` if another process has it."""
        begun = time.monotonic()
        result = await connection.execute(
            f"UPDATE {self.schema}.relay_lease "  # noqa: S608
            "SET expires_at = clock_timestamp() + make_interval(secs => $2) WHERE token = $1",
            self.token,
            LEASE_SECONDS,
        )
        if result != "UPDATE 1":
            raise LostLeadership(f"{self.holder} was replaced")
        self._renewed = begun

    async def resign(self, connection: Connection) -> None:
        """Let another process take over at once."""
        await connection.execute(
            f"UPDATE {self.schema}.relay_lease "  # noqa: S608
            "SET expires_at = clock_timestamp() WHERE token = $1",
            self.token,
        )

    async def _take(self, connection: Connection) -> None:
        """Read first: an attempt to write, every second and by every process, would be written."""
        begun = time.monotonic()
        if await connection.fetchval(
            f"SELECT expires_at > clock_timestamp() FROM {self.schema}.relay_lease"  # noqa: S608
        ):
            return
        self.token = await connection.fetchval(
            f"INSERT INTO {self.schema}.relay_lease AS lease (token, holder, expires_at) "  # noqa: S608
            "VALUES (1, $1, clock_timestamp() + make_interval(secs => $2)) "
            "ON CONFLICT (only_row) DO UPDATE SET token = lease.token + 1, "
            "holder = excluded.holder, expires_at = excluded.expires_at "
            "WHERE lease.expires_at <= clock_timestamp() RETURNING token",
            self.holder,
            LEASE_SECONDS,
        )
        self._renewed = begun
