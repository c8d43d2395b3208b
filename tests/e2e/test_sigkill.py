"""Every service and every engine is killed while 500 cases go through; then everything is counted.

Each case has exactly one decision, each human decision exactly one label, nothing waits forever.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import zip_longest

import asyncpg
import pytest

from deploy.cli.client import System
from deploy.demo.background import run_in_background
from deploy.demo.display import Display, follow_labels
from deploy.demo.feed import Feed, case_id_of
from deploy.demo.loop_state import LoopState, follow_topics
from deploy.demo.plan import Plan, simulated, with_strategy
from deploy.demo.reviewers import USERS, Reviewer, adjudicate_cases, users_setting
from deploy.demo.scenario import Scenario
from deploy.embedded.stack import EmbeddedStack
from deploy.terminal import Terminal
from shared.messaging.producer import Producer
from shared.services import SERVICES
from shared.settings import engine_settings
from tests.support.engines.lifecycle import Engines, own_engines, temporary_home
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

CASES = 500
PANEL = [Reviewer("amara", "a password for amara"), Reviewer("bo", "a password for bo")]
ENGINES = ("postgres", "s3", "broker")


@pytest.fixture
def own() -> Iterator[Engines]:
    with own_engines(outlast="kills") as engines:
        yield engines


@pytest.fixture
def plan() -> Plan:
    # A threshold out of reach: a rollout in the middle is another test's matter.
    return with_strategy(simulated(seed=7, history=2000, cases=CASES, threshold=10_000), "linear")


@pytest.fixture
def stack(own: Engines, plan: Plan) -> Iterator[EmbeddedStack]:
    environment = {
        **own.environment,
        **plan.environment,
        USERS: users_setting(PANEL),
        "REVIEW_QUEUE_UNDO_SECONDS": "2",
        "REVIEW_QUEUE_LEASE_SECONDS": "20",
    }
    with (
        temporary_home() as home,
        EmbeddedStack(home, engines=False, environment=environment, ports="free") as stack,
    ):
        yield stack


async def test_nothing_is_lost_or_doubled(own: Engines, stack: EmbeddedStack, plan: Plan) -> None:
    async with asyncio.timeout(5 * PATIENCE_SECONDS), played(stack, plan) as scenario:
        await scenario.first_version()
        scenario.feed.pace = 12.0
        killing = asyncio.create_task(kill_everything(own, stack))
        await scenario.feed.exhausted.wait()
        await killing
        await scenario.drain()
        loop = scenario.loop

    assert len(loop.submitted) == CASES
    assert loop.lost == loop.doubled == len(loop.unreadable) == loop.adverse_automatic == 0
    human = {
        case
        for case, found in loop.decisions.items()
        if next(iter(found.values())).decided_by == "human"
    }
    assert 0 < len(human) < CASES
    connection = await asyncpg.connect(own.environment["DATABASE_URL"])
    try:
        labels = await connection.fetch(
            "SELECT case_id FROM dataset_accumulator.labels WHERE source = 'review'"
        )
        assert Counter(row["case_id"] for row in labels) == Counter(human)
        for table in ("confidence_filter.routings", "inference.cases"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == CASES
        reviews = await connection.fetchval("SELECT count(*) FROM review_queue.reviews")
        assert reviews == len(human)
    finally:
        await connection.close()


async def kill_everything(own: Engines, stack: EmbeddedStack) -> None:
    """SIGKILL each service and each engine once, a few seconds apart, in a mixed order."""
    for service, engine in zip_longest(SERVICES, ENGINES):
        await asyncio.to_thread(stack.kill, service)
        await asyncio.sleep(2)
        if engine is not None:
            await asyncio.to_thread(own.kill, engine)
            await asyncio.sleep(2)


@asynccontextmanager
async def played(stack: EmbeddedStack, plan: Plan) -> AsyncIterator[Scenario]:
    """The demonstration's feed, reviewers and watcher at work on the stack."""
    system = System(stack.environment)
    recorded = {case_id_of(case): case for case in plan.stream()}
    loop = LoopState(plan.task.name, own=recorded.keys())
    producer = Producer(engine_settings(stack.environment), client_id="caseloop-test")
    feed = Feed(plan.task.name, plan.stream(), producer, set(), lambda: 0)
    url = system.url("review_queue")
    adjudicators = [adjudicate_cases(url, reviewer, recorded.get) for reviewer in PANEL]
    display = Display(loop, Terminal(quiet=True))
    followed = (follow_topics(loop, system.kafka), follow_labels(system, display))
    async with run_in_background(*followed, feed.run(), *adjudicators):
        yield Scenario(plan, system, loop, feed, display)
