"""`make demo`: starts the system, plays the scenario, prints the result, leaves it running."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from rich.live import Live

from deploy.cli.client import Refused, System, Unreachable
from deploy.demo import report
from deploy.demo.background import run_in_background
from deploy.demo.deployments import Compose, Deployment, Embedded, StartError
from deploy.demo.display import Display, follow_labels
from deploy.demo.feed import Feed, case_id_of
from deploy.demo.loop_state import LoopState, follow_topics
from deploy.demo.memory import Memory
from deploy.demo.plan import HISTORY, THRESHOLD, Plan, independent_review, simulated, with_strategy
from deploy.demo.reviewers import (
    USERS,
    Reviewer,
    adjudicate_cases,
    load_or_create_reviewers,
    users_setting,
)
from deploy.demo.scenario import Scenario, Stuck
from deploy.embedded.external_engines import read_external_engines
from deploy.embedded.failure_report import print_failure_report
from deploy.embedded.stack import StackError, Unhealthy
from deploy.simulation import DecidedCase
from deploy.terminal import Terminal
from services.trainer.strategies import DEFAULT_STRATEGY, STRATEGIES
from shared.errors import Rejected, Transient
from shared.messaging.producer import Producer
from shared.models.base_model import SMOLLM2
from shared.services import PORTS
from shared.settings import engine_settings
from shared.storage.artifacts import Artifacts

SIMULATED = "simulated"
_EXPLAINED = (
    *(Stuck, StartError, StackError, OSError),
    *(Rejected, Transient, KafkaError, Refused, Unreachable),
)


def _known_strategy(name: str) -> str:
    if name not in STRATEGIES:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(STRATEGIES)}")
    return name


_STRATEGY = typer.Option(parser=_known_strategy, help="linear for a fast look")


def main(
    claims: Annotated[str, typer.Option(help="simulated, or the path of a CSV file")] = SIMULATED,
    limit: Annotated[int, typer.Option(help="cases of a CSV file; 0 is all")] = 1500,
    seed: Annotated[int, typer.Option(help="of the simulated claims")] = 1,
    strategy: Annotated[str, _STRATEGY] = DEFAULT_STRATEGY,
    history: Annotated[int, typer.Option(help="simulated claims decided before")] = HISTORY,
    threshold: Annotated[int, typer.Option(help="labels that make the second version")] = THRESHOLD,
    compose: Annotated[bool, typer.Option(help="in docker compose")] = False,
) -> None:
    """Run the whole loop on embedded engines, or in docker compose."""
    console = Terminal()
    try:
        if claims == SIMULATED:
            plan = simulated(seed=seed, history=history, threshold=threshold)
        else:
            plan = independent_review(Path(claims).expanduser(), limit=limit)
        plan = with_strategy(plan, strategy)
        deployment: Deployment = (
            Compose() if compose else Embedded(read_external_engines(os.environ))
        )
        asyncio.run(demonstrate(plan, deployment, claims=claims, console=console))
    except Unhealthy as error:
        print_failure_report(error, console)
        sys.exit(1)
    except _EXPLAINED as error:
        console.print(str(error), style="red", soft_wrap=True)
        sys.exit(1)


async def demonstrate(
    plan: Plan, deployment: Deployment, *, claims: str, console: Terminal
) -> None:
    started = time.monotonic()
    saved = deployment.saved_settings()
    reviewers = load_or_create_reviewers(saved)
    recorded = {case_id_of(case): case for case in plan.stream()}
    loop = LoopState(plan.task.name, own=recorded.keys())
    display = Display(loop, console)
    display.step("starting PostgreSQL, S3, the broker and seven services")
    users = {USERS: saved.get(USERS) or users_setting(reviewers)}
    with console.status("starting"):
        environment = await asyncio.to_thread(deployment.start, {**plan.environment, **users})
        if STRATEGIES[plan.settings["TRAINER_STRATEGY"]].needs_base_model:
            display.step("registering the base model")
            await _register_base(environment)
    memory = Memory(deployment.root_process)
    system = System(environment)
    adjudicators = _adjudicators(system, reviewers, recorded)
    async with run_in_background(follow_topics(loop, system.kafka), memory.run(), *adjudicators):
        await loop.caught_up.wait()
        await _play(plan, system, display)
    _print_table(loop, environment, console)
    _print_addresses(system, reviewers, deployment, console)
    summary = report.summary(
        loop,
        claims=claims,
        labels=report.labels(system, loop),
        seconds=time.monotonic() - started,
        peak_memory_mb=memory.peak_mb,
    )
    print(json.dumps({"demo": summary}), flush=True)


async def _register_base(environment: Mapping[str, str]) -> None:
    """In a process of its own, which takes the memory for it along."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.prepare", "--base-model", SMOLLM2),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise StartError(f"{SMOLLM2} could not be registered:\n{errors.decode()[-2000:]}")


async def _play(plan: Plan, system: System, display: Display) -> None:
    """Run the scenario, while the claims come in."""
    loop = display.loop
    producer = Producer(engine_settings(system.settings), client_id="caseloop-demo")
    feed = Feed(plan.task.name, plan.stream(), producer, set(loop.submitted), lambda: loop.lost)
    terminal = display.console.is_terminal
    shown = Live(display, console=display.console, refresh_per_second=4) if terminal else None
    async with run_in_background(feed.run(), follow_labels(system, display)):
        with shown or nullcontext():
            await Scenario(plan, system, loop, feed, display).play()


def _adjudicators(
    system: System, reviewers: Sequence[Reviewer], recorded: Mapping[str, DecidedCase]
) -> list[Coroutine[None, None, None]]:
    url = system.url("review_queue")
    return [adjudicate_cases(url, reviewer, recorded.get) for reviewer in reviewers]


def _print_table(loop: LoopState, environment: Mapping[str, str], console: Terminal) -> None:
    artifacts = Artifacts(engine_settings(environment))
    console.print(report.table(loop, report.recalls(artifacts, loop)))
    for row in System(environment).get("promoter", "/v1/versions", task=loop.task):
        reasons = "; ".join(row["reasons"])
        console.print(f"{row['version']} is {row['state']}. {row['verdict']}: {reasons}")


def _print_addresses(
    system: System, reviewers: Sequence[Reviewer], deployment: Deployment, console: Terminal
) -> None:
    addresses = "\n".join(f"{service:<20} {system.url(service)}" for service in PORTS)
    console.print(f"\n{addresses}", highlight=False)
    console.print(
        f"\nThe review queue is open at {system.url('review_queue')}: sign in as "
        f"{reviewers[0].name} with {reviewers[0].password}\n{deployment.hint}",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    typer.run(main)
