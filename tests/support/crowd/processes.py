"""Processes of the review queue that keep being killed, and the reviews that they start with."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx

from deploy.database import prepare_database
from deploy.roles import role_passwords, service_environment
from services.review_queue.reviewing.intake import Intake
from services.review_queue.reviewing.restoring import Restoring
from services.review_queue.reviewing.review import Shares
from shared.events import ReviewRequested
from shared.messaging.outbox import Outbox
from shared.storage.database import Database
from tests.support.builders.events import case, claim_input
from tests.support.builders.requests import requested
from tests.support.callers import sign_in_all
from tests.support.draw_key import KEY, TEXT
from tests.support.patience import PATIENCE_SECONDS

REVIEWERS = 200
LEASE_SECONDS = 15.0  # two hundred at once wait for their answers, on a slow machine for seconds
_FILLED_AT_ONCE = 2_000
_REASONS = ("low_confidence", "adverse", "audit")


def names() -> list[str]:
    return [f"reviewer-{number}" for number in range(REVIEWERS)]


async def fill_queue(database: Database, reviews: int) -> None:
    """Queue so many reviews, one a second up to now; one in ten for two reviewers."""
    restoring = Restoring(database, Outbox(database, service="review_queue"))
    shares = Shares(overlap=0.1, blind=0.1)
    intake = Intake(database, lambda _: shares, KEY, restoring=restoring)
    start = datetime.now(UTC) - timedelta(seconds=reviews)
    for first in range(0, reviews, _FILLED_AT_ONCE):
        batch = range(first, min(first + _FILLED_AT_ONCE, reviews))
        await intake.add([_review(number, start) for number in batch])
    async with database.transaction() as connection:
        await connection.execute("ANALYZE", timeout=600)


def _review(number: int, start: datetime) -> ReviewRequested:
    return requested(
        f"filled-{number}",
        reason=_REASONS[number % 3],
        occurred_at=start + timedelta(seconds=number),
        case=case(f"filled-{number}", input=claim_input(billed_amount=f"{10 + number % 5000}.00")),
    )


@dataclass
class Process:
    """One process of the review queue, in the role that its environment has for it."""

    environment: Mapping[str, str]
    port: int
    running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        own = {"REVIEW_QUEUE_PORT": str(self.port), "DRAW_KEY": TEXT}
        self.running = running = subprocess.Popen(
            [sys.executable, "-m", "services.review_queue"],
            env=service_environment({**os.environ, **self.environment, **own}, "review_queue"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE_SECONDS):
            while not await self._ready(client):
                assert running.poll() is None, f"it ended with {running.returncode}"
                await asyncio.sleep(0.1)

    async def _ready(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        if self.running is not None:
            self.running.send_signal(signal.SIGKILL)
            self.running.wait()


@asynccontextmanager
async def two_processes(environment: Mapping[str, str]) -> AsyncIterator[Sequence[Process]]:
    settings = {
        "REVIEW_QUEUE_LEASE_SECONDS": str(LEASE_SECONDS),
        "REVIEW_QUEUE_UNDO_SECONDS": "1",
    }
    await prepare_database(environment["DATABASE_URL"], role_passwords(environment))
    processes = [Process({**environment, **settings}, free_port()) for _ in range(2)]
    try:
        await asyncio.gather(*(process.start() for process in processes))
        connection = await asyncpg.connect(environment["DATABASE_URL"])
        await sign_in_all(connection, dict.fromkeys(names(), "senior"))
        await connection.close()
        yield processes
    finally:
        for process in processes:
            process.kill()


async def keep_killing(processes: Sequence[Process], *, every: float) -> None:
    """SIGKILL one and then the other; each comes back."""
    while True:
        for process in processes:
            await asyncio.sleep(every)
            process.kill()
            await process.start()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
