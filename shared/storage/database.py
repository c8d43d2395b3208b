"""PostgreSQL: a pool, migrations, and one translation of "the server is away" to `Transient`."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from shared.errors import Rejected, Transient
from shared.settings import EngineSettings
from shared.storage.migrations import Connection as Connection
from shared.storage.migrations import may_create, migrate, missing_steps, read_steps

# Said on a connection that was there: the server is gone, too busy, or out of something.
_LOST = (
    ConnectionError,
    TimeoutError,
    asyncpg.InternalClientError,  # what a killed server left half done
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InsufficientResourcesError,
)
# While connecting, and on a connection that nothing but the server is asked through.
AWAY = (OSError, asyncpg.InterfaceError, *_LOST)
# A host that is lost without a word is noticed within half a minute, from either side.
_IDLE_SECONDS, _INTERVAL_SECONDS, _PROBES, _UNANSWERED_MS = 10, 5, 3, 25_000
_KEEPALIVES = {
    "tcp_keepalives_idle": str(_IDLE_SECONDS),
    "tcp_keepalives_interval": str(_INTERVAL_SECONDS),
    "tcp_keepalives_count": str(_PROBES),
    "tcp_user_timeout": str(_UNANSWERED_MS),
}
_ANSWER_SECONDS = 5.0  # for the short statements of a connection of one's own
_PREPARED_SECONDS = 60.0  # whoever is started beside `deploy.prepare` waits for it
_LOOK_SECONDS = 0.2


class _WatchedConnection(asyncpg.Connection):
    """A connection whose silence the kernel notices, also while nothing is asked."""

    def __init__(self, protocol: Any, transport: Any, *more: Any) -> None:
        super().__init__(protocol, transport, *more)
        _watch(transport.get_extra_info("socket"))


class Database:
    """A service's schema. Every statement runs inside `transaction()`.

    `may_create`, once it is open: whether its role owns the schema, or only works in it.
    """

    def __init__(
        self, settings: EngineSettings, *, schema: str, migrations: Path, connections: int = 4
    ) -> None:
        self.schema = schema
        self.may_create = False
        self._steps = read_steps(migrations)
        self.url = settings.database_url.get_secret_value()
        self._connections = connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self, *, patience_seconds: float = _PREPARED_SECONDS) -> None:
        """Connect and bring the schema up to date.

        A role that may not create waits so long for `deploy.prepare`, and is then refused with
        `RuntimeError`.
        """
        self._pool = await asyncpg.create_pool(
            self.url,
            min_size=1,
            max_size=self._connections,
            timeout=5,
            command_timeout=60,
            connection_class=_WatchedConnection,
            server_settings={
                **_KEEPALIVES,
                "application_name": f"caseloop {self.schema}",
                # A plan made while a table was empty reads it whole; it must not be kept.
                "plan_cache_mode": "force_custom_plan",
            },
        )
        async with self.transaction() as connection:
            self.may_create = await may_create(connection, self.schema)
            if self.may_create:
                await migrate(connection, schema=self.schema, steps=self._steps)
        if not self.may_create:
            await self._wait_until_prepared(patience_seconds)

    async def _wait_until_prepared(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while missing := await self._missing():
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"the schema {self.schema} lacks {', '.join(missing)}, and this role may not "
                    "add it: run `python -m deploy.prepare` with the DATABASE_URL of the one that "
                    "may, and every DATABASE_PASSWORD_…"
                )
            await asyncio.sleep(_LOOK_SECONDS)

    async def _missing(self) -> list[str]:
        """What the schema lacks. Steps, tables and rights come in one transaction."""
        try:
            async with self.transaction() as connection:
                return await missing_steps(connection, schema=self.schema, steps=self._steps)
        except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
            return ["its tables, or the right to read them"]

    async def close(self) -> None:
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._pool.close()
        except TimeoutError:  # a server that says nothing would hold us forever
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction; committed at the end, rolled back on an error."""
        try:
            async with self._acquired() as connection, connection.transaction():
                yield connection
        except _LOST as error:
            raise _away(error) from error
        except asyncpg.DataError as error:
            raise _refused(error) from None
        except asyncpg.PostgresError as error:
            error.detail = None  # it quotes the row, and whatever fails is logged
            raise

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Connection]:
        """A connection of the pool. What is raised while it is used may have other causes."""
        if self._pool is None:
            raise Transient("PostgreSQL is not connected yet")
        try:
            connection = await self._pool.acquire(timeout=10)
        except AWAY as error:
            raise _away(error) from error
        try:
            yield connection
        except asyncpg.InterfaceError as error:
            if _is_gone(connection):
                raise _away(error) from error
            if isinstance(error, ValueError):  # an argument that cannot be encoded
                raise _refused(error) from None
            raise
        finally:
            await self._pool.release(connection)

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection of one's own, for notifications that outlive a transaction."""
        try:
            return await asyncpg.connect(
                self.url,
                timeout=5,
                command_timeout=_ANSWER_SECONDS,
                connection_class=_WatchedConnection,
                server_settings={**_KEEPALIVES, "application_name": f"caseloop {self.schema}"},
            )
        except AWAY as error:
            raise _away(error) from error


def _watch(connection: socket.socket) -> None:
    """Have the kernel ask whether the other side is still there; it does so on Linux and macOS."""
    if connection.family == socket.AF_UNIX:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", _IDLE_SECONDS),
        ("TCP_KEEPALIVE", _IDLE_SECONDS),  # the same on macOS
        ("TCP_KEEPINTVL", _INTERVAL_SECONDS),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", _UNANSWERED_MS),
    ):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _is_gone(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken it back, which it does when it is closed
        return True


def _refused(error: Exception) -> Rejected:
    """Without the error's own words: they quote the value."""
    return Rejected(f"PostgreSQL cannot take a value: {type(error).__name__}")


def _away(error: Exception) -> Transient:
    return Transient(f"PostgreSQL is unavailable: {type(error).__name__} {error}".rstrip())
