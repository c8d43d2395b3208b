"""Two hundred reviewers at once, over HTTP, on two processes of the queue that keep being killed.

The crowd keeps a record of its own of what it was told, which the database is then held against.
"""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from services.review_queue.reviewing.intake import Intake
from services.review_queue.reviewing.review import Shares
from shared.events import ReviewRequested
from shared.storage.database import Database
from tests.support.builders.events import case, claim_input
from tests.support.builders.requests import requested

REVIEWERS = 200
LEASE_SECONDS = 6.0
_FILLED_AT_ONCE = 2_000
_REASONS = ("low_confidence", "adverse", "audit")


async def fill(database: Database, reviews: int) -> None:
    """Put so many reviews in line, one a second up to now; one in ten for two reviewers."""
    intake = Intake(database, lambda _: Shares(overlap=0.1, blind=0.1))
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
    """One process of the review queue."""

    environment: Mapping[str, str]
    port: int
    running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        own = {"REVIEW_QUEUE_PORT": str(self.port)}
        self.running = subprocess.Popen(
            [sys.executable, "-m", "services.review_queue"],
            env={**os.environ, **self.environment, **own},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        async with httpx.AsyncClient() as client, asyncio.timeout(60):
            while not await self._ready(client):
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
    tokens = ",".join(f"{name}:senior:{token_of(name)}" for name in names())
    settings = {
        "API_TOKENS": tokens,
        "REVIEW_QUEUE_LEASE_SECONDS": str(LEASE_SECONDS),
        "REVIEW_QUEUE_UNDO_SECONDS": "1",
    }
    found = [Process({**environment, **settings}, _free_port()) for _ in range(2)]
    try:
        await asyncio.gather(*(process.start() for process in found))
        yield found
    finally:
        for process in found:
            process.kill()


async def keep_killing(processes: Sequence[Process], *, every: float) -> None:
    """SIGKILL one and then the other; each comes back."""
    while True:
        for process in processes:
            await asyncio.sleep(every)
            process.kill()
            await process.start()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def names() -> list[str]:
    return [f"reviewer-{number}" for number in range(REVIEWERS)]


def token_of(name: str) -> str:
    return f"the-token-of-{name}"


@dataclass
class Record:
    """What the crowd was told. `counted`: (review, reviewer) of every submit that was accepted."""

    counted: set[tuple[str, str]] = field(default_factory=set)
    unanswered: set[tuple[str, str]] = field(default_factory=set)  # the process died meanwhile
    late_and_counted: int = 0
    late_and_refused: int = 0
    drafts: dict[tuple[str, str], str] = field(default_factory=dict)  # of cases left alone
    seconds: list[float] = field(default_factory=list)  # of each lease and each submit
    statuses: Counter[int] = field(default_factory=Counter)


@dataclass
class Reviewer:
    """Leases, decides, sometimes comes too late, sometimes leaves a draft behind."""

    name: str
    processes: Sequence[Process]
    record: Record
    client: httpx.AsyncClient
    random: random.Random
    pause: float  # seconds between two cases
    until: float  # by `time.perf_counter`; what is under way then is finished

    async def work(self) -> None:
        while time.perf_counter() < self.until:
            await asyncio.sleep(self.pause * self.random.uniform(0.0, 2.0))
            leased = await self.call("POST", "/v1/assignments", {}, timed=True)
            if leased is not None and leased.status_code == 201:
                await self.handle(leased.json())
            elif leased is None or leased.status_code != 204:
                await asyncio.sleep(0.05)

    async def handle(self, assignment: Mapping[str, Any]) -> None:
        chance = self.random.random()
        case = (assignment["review_id"], self.name)
        if chance < 0.01:
            await self.leave(assignment, case)
        elif chance < 0.02:
            await asyncio.sleep(LEASE_SECONDS + 1)
            await self.submit(assignment, case, late=True)
        else:
            await self.submit(assignment, case)

    async def leave(self, assignment: Mapping[str, Any], case: tuple[str, str]) -> None:
        text = f"a thought {self.random.random()}"
        path = f"/v1/assignments/{assignment['assignment_id']}/draft"
        saved = await self.call("PUT", path, {"content": {"reasoning": text}})
        if saved is not None and saved.status_code == 204:
            self.record.drafts[case] = text

    async def submit(
        self, assignment: Mapping[str, Any], case: tuple[str, str], *, late: bool = False
    ) -> None:
        path = f"/v1/assignments/{assignment['assignment_id']}/submit"
        body = {"token": assignment["token"], "label": "APPROVED", "reasoning": "supported"}
        answer = await self.call("POST", path, body, timed=True)
        if answer is None:
            self.record.unanswered.add(case)
        elif answer.status_code == 200:
            self.record.counted.add(case)
            self.record.late_and_counted += late
        elif late:
            self.record.late_and_refused += 1

    async def call(
        self, method: str, path: str, body: Mapping[str, Any], *, timed: bool = False
    ) -> httpx.Response | None:
        """The answer of either process; none if it died before it answered."""
        started = time.perf_counter()
        try:
            answer = await self.client.request(
                method,
                self.random.choice(self.processes).url + path,
                json=body,
                headers={"Authorization": f"Bearer {token_of(self.name)}"},
            )
        except httpx.TransportError:
            return None
        if timed:
            self.record.seconds.append(time.perf_counter() - started)
        self.record.statuses[answer.status_code] += 1
        return answer


async def work(
    processes: Sequence[Process], *, seconds: float, pause: float = 0.0, reviewers: int = REVIEWERS
) -> Record:
    """Let the crowd work for so long."""
    record, until = Record(), time.perf_counter() + seconds
    limits = httpx.Limits(max_connections=reviewers)
    async with httpx.AsyncClient(timeout=15, limits=limits) as client:
        crowd = [
            Reviewer(name, processes, record, client, random.Random(name), pause, until)
            for name in names()[:reviewers]
        ]
        await asyncio.gather(*(each.work() for each in crowd))
    return record


@dataclass(frozen=True)
class Breaches:
    """What must never happen, counted in the database."""

    double_leases: int
    excess_opinions: int
    reviewers_twice: int
    uncounted_submits: int  # accepted, and not there
    unknown_opinions: int  # there, and never accepted
    late_submits: int
    lost_drafts: int


_DOUBLE_LEASES = """
SELECT count(*) FROM (
    SELECT leased_at, lag(coalesce(ended_at, 'infinity')) OVER (
        PARTITION BY review_id, seat ORDER BY token) AS before
    FROM review_queue.assignments) AS a
WHERE before > leased_at
"""
_EXCESS = """
SELECT count(*) FROM (
    SELECT review_id, count(*) AS given FROM review_queue.opinions GROUP BY review_id) AS o
JOIN review_queue.reviews AS r USING (review_id) WHERE given > wanted
"""
_TWICE = """
SELECT count(*) FROM (
    SELECT 1 FROM review_queue.opinions GROUP BY review_id, reviewer HAVING count(*) > 1) AS o
"""


async def breaches(database_url: str, *records: Record) -> Breaches:
    connection = await asyncpg.connect(database_url)
    try:
        said = await connection.fetch("SELECT review_id, reviewer FROM review_queue.opinions")
        kept = await connection.fetch(
            "SELECT review_id, reviewer, content FROM review_queue.drafts"
        )
        done = await connection.fetch(
            "SELECT review_id FROM review_queue.reviews WHERE completed_at IS NOT NULL"
        )
        completed = {row["review_id"] for row in done}
        opinions = {(row["review_id"], row["reviewer"]) for row in said}
        drafts = {(row["review_id"], row["reviewer"]): row["content"] for row in kept}
        counted = set().union(*(record.counted for record in records))
        known = counted.union(*(record.unanswered for record in records))
        written = {case: text for record in records for case, text in record.drafts.items()}
        return Breaches(
            double_leases=await connection.fetchval(_DOUBLE_LEASES),
            excess_opinions=await connection.fetchval(_EXCESS),
            reviewers_twice=await connection.fetchval(_TWICE),
            uncounted_submits=len(counted - opinions),
            unknown_opinions=len(opinions - known),
            late_submits=sum(record.late_and_counted for record in records),
            lost_drafts=sum(
                text not in drafts.get(case, "")
                for case, text in written.items()
                if case not in opinions and case[0] not in completed
            ),
        )
    finally:
        await connection.close()
