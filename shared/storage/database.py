"""PostgreSQL: a pool, migrations, and one translation of "the server is away" to `Transient`."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.errors import Rejected, Transient
from shared.settings import EngineSettings

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

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
SCHEMA_LOCK = 7_042_001  # two processes must not create the same at once
# A host that is lost without a word is noticed within half a minute, from either side.
_IDLE_SECONDS, _INTERVAL_SECONDS, _PROBES, _UNANSWERED_MS = 10, 5, 3, 25_000
_KEEPALIVES = {
    "tcp_keepalives_idle": str(_IDLE_SECONDS),
    "tcp_keepalives_interval": str(_INTERVAL_SECONDS),
    "tcp_keepalives_count": str(_PROBES),
    "tcp_user_timeout": str(_UNANSWERED_MS),
}
_ANSWER_SECONDS = 5.0  # for the short statements of a connection of one's own


class _WatchedConnection(asyncpg.Connection):
    """A connection whose silence the kernel notices, also while nothing is asked."""

    def __init__(self, protocol: Any, transport: Any, *more: Any) -> None:
        super().__init__(protocol, transport, *more)
        _watch(transport.get_extra_info("socket"))


class Database:
    """A service's schema. Every statement runs inside `transaction()`."""

    def __init__(
        self, settings: EngineSettings, *, schema: str, migrations: Path, connections: int = 4
    ) -> None:
        self.schema = schema
        self._steps = {path.name: path.read_text() for path in sorted(migrations.glob("*.sql"))}
        self.url = settings.database_url.get_secret_value()
        self._connections = connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
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
            await _migrate(connection, schema=self.schema, steps=self._steps)

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


async def _migrate(connection: Connection, *, schema: str, steps: Mapping[str, str]) -> None:
    """Run the steps that this schema has not seen, in the order of their names, each once."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", SCHEMA_LOCK)
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    await connection.execute(
        f"CREATE TABLE IF NOT EXISTS {schema}.migrations "
        "(name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    rows = await connection.fetch(f"SELECT name FROM {schema}.migrations")  # noqa: S608
    applied = {row["name"] for row in rows}
    # What a later version added does not hinder; other steps in the place of ours do.
    if foreign := [
        name for name in applied - steps.keys() if name[:4] <= max(steps, default="")[:4]
    ]:
        raise RuntimeError(
            f"the schema {schema} was made by another version of Caseloop, with "
            f"{', '.join(sorted(foreign))}: start that version, or delete the data (make reset)"
        )
    for name, statements in steps.items():
        if name not in applied:
            await connection.execute(statements)
            await connection.execute(
                f"INSERT INTO {schema}.migrations (name) VALUES ($1)",  # noqa: S608
                name,
            )


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
