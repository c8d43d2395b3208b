"""A service's parts start in the one order in which each finds what it needs, and stop in turn."""

import asyncio
from pathlib import Path

import httpx
import pytest

from shared.errors import Transient
from shared.health import Health
from shared.http.application import create_application
from shared.http.service import CommonParts, create_service
from shared.messaging.bus import Bus
from shared.messaging.outbox import Outbox
from shared.messaging.readers.rollouts import Rollouts
from shared.settings import EngineSettings, ServiceSettings
from shared.storage.database import Database

ENGINES = EngineSettings()


class NotedBus(Bus):
    """Connects to nothing, and notes when it would."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(ENGINES, service="promoter", health=Health())
        self.notes = notes

    async def start(self) -> None:
        self.notes.append("bus started")

    async def stop(self) -> None:
        self.notes.append("bus stopped")


class NotedDatabase(Database):
    """Likewise."""

    def __init__(self, notes: list[str], migrations: Path) -> None:
        super().__init__(ENGINES, schema="promoter", migrations=migrations)
        self.notes = notes

    async def open(self, *, patience_seconds: float = 0) -> None:
        self.notes.append("database opened")

    async def close(self) -> None:
        self.notes.append("database closed")


class NotedOutbox(Outbox):
    async def create(self) -> None:
        assert isinstance(self.database, NotedDatabase)
        self.database.notes.append("outbox created")


class NotedRollouts(Rollouts):
    """Read, as soon as somebody waits for them."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(ENGINES, service="promoter", health=Health())
        self.notes = notes

    async def caught_up(self) -> None:
        self.notes.append("rollouts read")

    async def run(self) -> None:
        await asyncio.Event().wait()


async def test_parts_start_before_the_bus_takes_work_and_stop_after_it(tmp_path: Path) -> None:
    notes: list[str] = []
    bus, database = NotedBus(notes), NotedDatabase(notes, tmp_path)
    parts = CommonParts("promoter", ServiceSettings(port=1), bus.health, bus, database)

    async def own_start() -> None:
        notes.append("own part started")

    app = create_service(
        parts,
        outbox=NotedOutbox(database, service="promoter"),
        rollouts=NotedRollouts(notes),
        start=[own_start],
    )
    async with app.router.lifespan_context(app):
        notes.append("serving")

    assert notes == [
        "database opened",
        "outbox created",
        "rollouts read",
        "own part started",
        "bus started",
        "serving",
        "bus stopped",
        "database closed",
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(Transient("S3 is unavailable"), "S3 is unavailable"), (KeyError("x"), "failed: KeyError")],
)
async def test_a_loop_that_ends_with_an_error_shows_in_the_health(
    error: Exception, reason: str
) -> None:
    failed = asyncio.Event()

    async def loop() -> None:
        failed.set()
        raise error

    settings, bus = ServiceSettings(port=1), NotedBus([])
    app = create_application("promoter", settings, bus=bus, loops=[loop])
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://promoter") as client,
    ):
        await failed.wait()
        answer = await client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["reason"].endswith(reason)


async def test_a_loop_that_a_library_cancels_starts_again_and_ends_only_with_its_service() -> None:
    """aiokafka hands on the cancellation of its own tasks: whoever waits for a loop that ended so
    would wait forever."""
    runs: list[int] = []
    again = asyncio.Event()
    ended = asyncio.Event()

    async def loop() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise asyncio.CancelledError
        again.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    settings, bus = ServiceSettings(port=1), NotedBus([])
    app = create_application("promoter", settings, bus=bus, loops=[loop])
    async with app.router.lifespan_context(app):
        async with asyncio.timeout(60):
            await again.wait()

    assert ended.is_set()
    assert runs == [0, 1]
