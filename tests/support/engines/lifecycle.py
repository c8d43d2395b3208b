"""Engines for tests, started and ended: those of the environment, or embedded ones for this run."""

import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from deploy.embedded.engines import broker
from deploy.embedded.external_engines import read_external_engines
from deploy.embedded.stack import EmbeddedStack
from tests.support.engines.real_engines import RealEngines

Outlast = Literal["nothing", "kills", "power cuts"]

_DROP_ROLES = """
DO $$ DECLARE role text; BEGIN
    FOR role IN SELECT rolname FROM pg_roles WHERE rolname LIKE '{name}%' LOOP
        EXECUTE format('DROP ROLE %I', role);
    END LOOP;
END $$
"""


class Engines(Protocol):
    """Kafka, S3 and PostgreSQL of a test, each of which can be killed and comes back."""

    @property
    def environment(self) -> dict[str, str]: ...

    def kill(self, name: str) -> None:
        """SIGKILL `postgres`, `s3` or `broker` and return when it answers again."""
        ...

    def away(self, name: str) -> AbstractContextManager[None]:
        """Within the block, the engine is down; after it, it answers again."""
        ...


@dataclass(frozen=True)
class EmbeddedEngines:
    stack: EmbeddedStack

    @property
    def environment(self) -> dict[str, str]:
        """Where the engines are, and no port, token or key of their own stack."""
        return read_external_engines(self.stack.environment)

    def kill(self, name: str) -> None:
        self.stack.kill(name)
        self.stack.wait_healthy(name)

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        self.stack.supervisor.stop(name)
        yield
        self.stack.supervisor.start(name)
        self.stack.wait_healthy(name)


@contextmanager
def running_engines() -> Iterator[dict[str, str]]:
    """Settings of engines that run until the end of the block."""
    if outside := read_external_engines(os.environ):
        yield outside
        return
    with own_engines() as engines:
        yield engines.environment


@contextmanager
def own_engines(*, outlast: Outlast = "nothing") -> Iterator[Engines]:
    """Engines with nothing in them, for one test: embedded, or the servers in TEST_ENGINES.

    Most tests never kill the broker, so it may keep its records in memory, and none cuts the power,
    so PostgreSQL need not wait for the disk: each would take much of the run. A test that kills the
    broker wants records to outlast `kills`, a measurement everything to outlast `power cuts`.
    """
    with temporary_home() as home, ExitStack() as exits:
        engines: EmbeddedEngines | RealEngines
        if directory := os.environ.get("TEST_ENGINES"):
            engines = RealEngines.start(Path(directory), home, exits)
        else:
            storage = {broker.STORAGE: broker.IN_MEMORY} if outlast == "nothing" else {}
            stack = EmbeddedStack(home, services=(), environment=storage, ports="free")
            engines = EmbeddedEngines(exits.enter_context(stack))
        if outlast != "power cuts":
            _wait_for_no_disk(engines.stack)
        yield engines


def _wait_for_no_disk(stack: EmbeddedStack) -> None:
    """What is written is in the system's memory, where it outlives every process but no outage."""
    configuration = stack.layout.data / "postgres" / "cluster" / "postgresql.auto.conf"
    with configuration.open("a") as file:
        file.write("fsync = off\nfull_page_writes = off\n")
    os.kill(stack.pid("postgres"), signal.SIGHUP)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A folder for a stack, outside of pytest's, which keeps the data of three runs."""
    with TemporaryDirectory(prefix="caseloop-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def occupied(port: int) -> Iterator[None]:
    """A port of this machine that somebody else listens on."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield


@asynccontextmanager
async def fresh_database(server_url: str) -> AsyncIterator[str]:
    """An empty database on that server, dropped at the end with whoever is still connected, and
    with the roles that are named after it."""
    name = f"test_{uuid4().hex}"
    await _execute(server_url, f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        await _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")
        await _execute(server_url, _DROP_ROLES.format(name=name))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
