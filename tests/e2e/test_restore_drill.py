"""PostgreSQL is lost and comes back from a backup while cases are in flight: `make restore-drill`.

As docs/backup-and-restore.md says it: stop, restore, prepare, `caseloop recover`, start. Every case
that came in ends with one decision and one label, whether it was decided before the backup or after
it, and no number of a dataset version stands for two. What was corrected is corrected still, and
what was routed keeps its route.
"""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.cli.client import System
from deploy.cli.dead_letters import read_dead_letters
from deploy.demo.background import run_in_background
from deploy.demo.loop_state import LoopState, follow_topics
from deploy.demo.reviewers import Reviewer, adjudicate_cases, users_setting
from deploy.embedded.stack import EmbeddedStack
from deploy.simulation import SimulatedClaim, simulated_claims
from shared.events import DatasetReleased, review_id_of
from shared.messaging.encoding import encode
from shared.messaging.producer import Producer
from shared.settings import engine_settings
from tests.support.builders.events import submitted
from tests.support.engines.backups import back_up, restore
from tests.support.engines.lifecycle import Engines, own_engines, temporary_home
from tests.support.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

BEFORE, AFTER, LAST = 15, 15, 5
CASES = BEFORE + AFTER + LAST
PANEL = [Reviewer("amara", "a password for amara"), Reviewer("bo", "a password for bo")]
WHY = "the record came in"
_CORRECTIONS = (
    "review_queue.corrections JOIN review_queue.reviews USING (review_id)",
    "dataset_accumulator.corrections",
)
SERVICES = ("inference", "confidence_filter", "review_queue", "dataset_accumulator")


@pytest.fixture
def own() -> Iterator[Engines]:
    with own_engines() as engines:
        yield engines


@pytest.fixture
def stack(own: Engines) -> Iterator[EmbeddedStack]:
    environment = {
        **own.environment,
        "LABEL_THRESHOLD": "100000",
        "REVIEW_QUEUE_BOOTSTRAP_USERS": users_setting(PANEL),
        "REVIEW_QUEUE_UNDO_SECONDS": "1",
    }
    with (
        temporary_home() as home,
        EmbeddedStack(
            home, services=SERVICES, engines=False, environment=environment, ports="free"
        ) as stack,
    ):
        yield stack


@dataclass
class Drill:
    """The system, what came in, and what came out of it so far."""

    stack: EmbeddedStack
    claims: dict[str, SimulatedClaim]
    loop: LoopState

    @property
    def environment(self) -> dict[str, str]:
        return self.stack.environment

    async def submit(self, case_ids: Sequence[str]) -> None:
        producer = Producer(engine_settings(self.environment), client_id="caseloop-test")
        await producer.start()
        cases = [
            submitted(name, input=self.claims[name].input.model_dump(mode="json"))
            for name in case_ids
        ]
        await producer.send([encode(case, source="test") for case in cases])
        await producer.stop()

    async def decided(self, count: int) -> None:
        await until(lambda: len(self.loop.decisions) >= count)

    @asynccontextmanager
    async def reviewers(self) -> AsyncIterator[None]:
        url = System(self.environment).url("review_queue")
        shifts = [adjudicate_cases(url, reviewer, self.claims.get) for reviewer in PANEL]
        async with run_in_background(*shifts):
            yield

    def prepare(self) -> str:
        return self._run(sys.executable, "-m", "deploy.prepare")

    def caseloop(self, *arguments: str) -> str:
        return self._run(str(Path(sys.executable).with_name("caseloop")), *arguments)

    def _run(self, *command: str) -> str:
        result = subprocess.run(
            command,
            env={**os.environ, **self.environment, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    async def release(self, version: str) -> DatasetReleased:
        """Have the labels that there are released, as this version."""
        await asyncio.to_thread(self.caseloop, "release", "adjudication")
        await until(lambda: version in self.loop.releases)
        return self.loop.releases[version]

    async def switch(self, turn: Callable[[str], object]) -> None:
        for service in SERVICES:
            await asyncio.to_thread(turn, service)

    async def approved_of(self, names: Sequence[str]) -> str:
        """One of these cases that a reviewer has approved."""

        def approved() -> list[str]:
            made = [each for said in self.loop.decisions.values() for each in said.values()]
            return [
                each.case_id for each in made if each.label == "APPROVED" and each.case_id in names
            ]

        await until(lambda: bool(approved()))
        return approved()[0]

    async def correct(self, case_id: str) -> None:
        """Its reviewer gives another reason for the approval of a case."""
        claim, (made,) = self.claims[case_id], self.loop.decisions[case_id].values()
        reviewer = next(each for each in PANEL if each.name == made.reviewer)
        url = System(self.environment).url("review_queue")
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
            credentials = {"name": reviewer.name, "password": reviewer.password}
            session = (await client.post("/v1/sessions", json=credentials)).raise_for_status()
            answer = await client.post(
                f"/v1/reviews/{review_id_of(case_id)}/corrections",
                headers={"Authorization": f"Bearer {session.json()['token']}"},
                json={
                    **{"label": "APPROVED", "reason_code": claim.reason_code},
                    **{"reasoning": "it was read again", "why": WHY, "supersedes_revision": 0},
                },
            )
            answer.raise_for_status()

    async def cases_of(self, table: str, condition: str = "true") -> Counter[str]:
        connection = await asyncpg.connect(self.environment["DATABASE_URL"])
        try:
            rows = await connection.fetch(f"SELECT case_id FROM {table} WHERE {condition}")
        finally:
            await connection.close()
        return Counter(row["case_id"] for row in rows)

    async def have(self, table: str, cases: Sequence[str], condition: str = "true") -> None:
        """Wait until exactly these cases have a row each."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.cases_of(table, condition) != Counter(cases):
                await asyncio.sleep(0.2)


@pytest.fixture
async def drill(stack: EmbeddedStack) -> AsyncIterator[Drill]:
    claims = {claim.input.claim_id: claim for claim in simulated_claims(seed=5, count=CASES)}
    loop = LoopState("adjudication", own=claims.keys())
    async with run_in_background(follow_topics(loop, System(stack.environment).kafka)):
        yield Drill(stack, claims, loop)


async def test_nothing_is_lost_and_nothing_doubled(drill: Drill, tmp_path: Path) -> None:
    names = list(drill.claims)
    url, backup = drill.environment["DATABASE_URL"], tmp_path / "caseloop.dump"
    async with drill.reviewers():
        await drill.submit(names[:BEFORE])
        await drill.decided(BEFORE // 2)
        since = datetime.now().astimezone() - timedelta(hours=1)  # what the backup may have missed
        await asyncio.to_thread(back_up, url, backup)
        await drill.submit(names[BEFORE : BEFORE + AFTER])
        await drill.decided(BEFORE + AFTER // 2)
        corrected = await drill.approved_of(names[BEFORE : BEFORE + AFTER])
        await drill.correct(corrected)
        await drill.have("dataset_accumulator.corrections", [corrected])
    labels = "dataset_accumulator.labels"
    await until(lambda: drill.cases_of(labels))  # there is something to release
    lost = await drill.release("adjudication-d1")
    decided = set(drill.loop.decisions)
    await drill.submit(names[BEFORE + AFTER :])
    await drill.switch(drill.stack.supervisor.stop)

    await asyncio.to_thread(restore, url, backup)
    prepared = await asyncio.to_thread(drill.prepare)
    recover = ("recover", "--since", since.isoformat())
    planned = await asyncio.to_thread(drill.caseloop, *recover, "--dry-run")
    done = await asyncio.to_thread(drill.caseloop, *recover)
    again = await asyncio.to_thread(drill.caseloop, *recover)

    await drill.switch(drill.stack.supervisor.start)
    async with drill.reviewers():
        await drill.decided(CASES)
        await until(lambda: len(drill.loop.completed) >= CASES)
        await drill.have(labels, names)
    for table in _CORRECTIONS:
        await drill.have(table, [corrected], f"revision = 1 AND why = '{WHY}'")
    restored = await drill.cases_of("confidence_filter.routings", "restored")
    released = await drill.release("adjudication-d2")
    letters = list(read_dead_letters(System(drill.environment).kafka))

    assert "each service has its own role" in prepared
    assert "cases.submitted.v1" in planned
    assert "done: start the services" not in planned
    assert "done: start the services" in done
    assert "nothing to do" in again  # the offsets are there already
    assert drill.loop.lost == 0
    # Nobody was asked twice: all that was ever said of a case is the same.
    assert len(decided) >= BEFORE + AFTER // 2
    assert decided & {*names[BEFORE : BEFORE + AFTER]} <= restored.keys()
    assert {case: len(said) for case, said in drill.loop.decisions.items()} == dict.fromkeys(
        names, 1
    )
    assert len(drill.loop.completed) == CASES
    assert [stored.letter.error for stored in letters] == []
    assert (lost.number, released.number) == (1, 2)
    assert drill.loop.releases["adjudication-d1"] == lost
