"""Two hundred reviewers at once, over HTTP, on processes of the queue that keep being killed.

The crowd keeps a record of its own of what it was told, which the database is then held against.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.callers import session_of
from tests.support.crowd.processes import LEASE_SECONDS, REVIEWERS, Process, names
from tests.support.patience import PATIENCE_SECONDS


@dataclass
class CrowdRecord:
    """What the crowd was told. `counted`: (review, reviewer) of every submit that was accepted."""

    counted: set[tuple[str, str]] = field(default_factory=set)
    unanswered: set[tuple[str, str]] = field(default_factory=set)  # the process died meanwhile
    late_and_counted: int = 0
    late_and_refused: int = 0
    drafts: dict[tuple[str, str], str] = field(default_factory=dict)  # of cases left alone
    seconds: list[float] = field(default_factory=list)  # of each lease and each submit
    statuses: Counter[int] = field(default_factory=Counter)


Enough = Callable[[CrowdRecord], bool]


@dataclass
class Reviewer:
    """Leases, decides, sometimes comes too late, sometimes leaves a draft behind."""

    name: str
    processes: Sequence[Process]
    record: CrowdRecord
    client: httpx.AsyncClient
    random: random.Random
    pause: float  # seconds between two cases
    closes: float  # by `time.perf_counter`; what is under way then is finished
    until: Enough  # and the crowd is at work until this holds, however long it takes

    async def work(self) -> None:
        while time.perf_counter() < self.closes or not self.until(self.record):
            await asyncio.sleep(self.pause * self.random.uniform(0.0, 2.0))
            leased = await self.call("POST", "/v1/assignments", {}, timed=True)
            if leased is not None and leased.status_code == 201:
                await self.decide_or_leave(leased.json())
            elif leased is None or leased.status_code != 204:
                await asyncio.sleep(0.05)

    async def decide_or_leave(self, assignment: Mapping[str, Any]) -> None:
        chance = self.random.random()
        case = (assignment["review_id"], self.name)
        if chance < 0.01:
            await self.leave_draft(assignment, case)
        elif chance < 0.02:
            await asyncio.sleep(LEASE_SECONDS + 1)
            await self.submit(assignment, case, late=True)
        else:
            await self.submit(assignment, case)

    async def leave_draft(self, assignment: Mapping[str, Any], case: tuple[str, str]) -> None:
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
                headers={"Authorization": f"Bearer {session_of(self.name)}"},
            )
        except httpx.TransportError:
            return None
        if timed:
            self.record.seconds.append(time.perf_counter() - started)
        self.record.statuses[answer.status_code] += 1
        return answer


async def work_as_crowd(
    processes: Sequence[Process],
    *,
    seconds: float,
    until: Enough = lambda _: True,
    pause: float = 0.0,
    reviewers: int = REVIEWERS,
) -> CrowdRecord:
    """Let the crowd work for so long, and until what it was told is enough."""
    record, closes = CrowdRecord(), time.perf_counter() + seconds
    limits = httpx.Limits(max_connections=reviewers)
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits) as client:
        crowd = [
            Reviewer(name, processes, record, client, random.Random(name), pause, closes, until)
            for name in names()[:reviewers]
        ]
        await asyncio.gather(*(each.work() for each in crowd))
    return record
