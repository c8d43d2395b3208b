"""The end of the demonstration: it waits for its own cases, and for nobody else's."""

import asyncio

from deploy.cli.client import System
from deploy.demo.display import Display
from deploy.demo.feed import Feed, case_id_of, submitted_case
from deploy.demo.loop_state import LoopState
from deploy.demo.plan import simulated
from deploy.demo.scenario import Scenario
from deploy.terminal import Terminal
from shared.messaging.producer import Producer
from shared.messaging.topics import CASES_SUBMITTED
from shared.settings import engine_settings
from tests.support.builders.events import submitted
from tests.support.patience import PATIENCE_SECONDS


async def test_a_case_of_the_users_own_that_waits_for_an_expert_holds_nothing_up() -> None:
    plan = simulated(seed=1, history=1, cases=1)
    case = next(plan.stream())
    loop = LoopState(plan.task.name, own={case_id_of(case)})
    producer = Producer(engine_settings({}), client_id="test")
    feed = Feed(plan.task.name, plan.stream(), producer, set(), lambda: loop.lost, sent=1)
    scenario = Scenario(plan, System({}), loop, feed, Display(loop, Terminal(quiet=True)))
    own = submitted_case(plan.task.name, case)
    for event in (own, submitted("somebodys-own")):
        loop.read(CASES_SUBMITTED, event.model_dump_json().encode())

    drained = asyncio.create_task(scenario.drain())
    await asyncio.sleep(0.5)
    waited = not drained.done()
    loop.decisions[own.case_id] = {}
    async with asyncio.timeout(PATIENCE_SECONDS):
        await drained

    assert waited
