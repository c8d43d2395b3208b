"""`make demo`: starts the system, plays the scenario, prints the result, leaves it running."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from deploy.command_line.client import PORTS, System
from deploy.demo import report
from deploy.demo.display import Display
from deploy.demo.feed import Feed, claim_id_of
from deploy.demo.memory import Memory
from deploy.demo.panel import Reviewer, as_setting, reviewers, work
from deploy.demo.places import Compose, Embedded, Place, PlaceError
from deploy.demo.plan import HISTORY, THRESHOLD, Plan, independent_review, simulated, with_strategy
from deploy.demo.scenario import Scenario, Stuck
from deploy.demo.watch import Loop, watch
from deploy.embedded.outside import outside_engines
from deploy.embedded.stack import StackError
from shared.artifacts import Artifacts
from shared.errors import Rejected
from shared.sender import Sender
from shared.settings import engine_settings

SIMULATED = "simulated"
BASE_MODEL = "SmolLM2-135M-Instruct"


def main(
    claims: Annotated[str, typer.Option(help="simulated, or the path of a CSV file")] = SIMULATED,
    limit: Annotated[int, typer.Option(help="cases of a CSV file; 0 is all")] = 1500,
    seed: Annotated[int, typer.Option(help="of the simulated claims")] = 1,
    strategy: Annotated[str, typer.Option(help="lora, or linear for a fast look")] = "lora",
    history: Annotated[int, typer.Option(help="simulated claims decided before")] = HISTORY,
    threshold: Annotated[int, typer.Option(help="labels that make the second version")] = THRESHOLD,
    compose: Annotated[bool, typer.Option(help="in docker compose")] = False,
) -> None:
    """Run the whole loop on embedded engines, or in docker compose."""
    console = Console()
    if claims == SIMULATED:
        plan = simulated(seed=seed, history=history, threshold=threshold)
    else:
        plan = independent_review(Path(claims).expanduser(), limit=limit)
    plan = with_strategy(plan, strategy)
    try:
        place: Place = Compose() if compose else Embedded(outside_engines(os.environ))
        asyncio.run(demonstrate(plan, place, claims=claims, console=console))
    except (Stuck, PlaceError, StackError, Rejected) as error:
        console.print(f"[red]{error}[/red]")
        sys.exit(1)


async def demonstrate(plan: Plan, place: Place, *, claims: str, console: Console) -> None:
    started = time.monotonic()
    panel = reviewers(place.known())
    loop = Loop(plan.task.name)
    display = Display(loop, console)
    display.step("starting PostgreSQL, S3, the broker and seven services")
    users = {"REVIEW_QUEUE_BOOTSTRAP_USERS": as_setting(panel)}
    with console.status("starting"):
        environment = await asyncio.to_thread(place.start, {**plan.environment, **users})
        if plan.settings["TRAINER_STRATEGY"] == "lora":
            display.step("registering the base model")
            await _register_base(environment)
    memory = Memory(place.root_process)
    await _play(plan, environment, loop, display, panel, memory)
    _print_table(loop, environment, console)
    _print_addresses(System(environment), panel, place, console)
    summary = report.summary(
        loop,
        claims=claims,
        labels=report.labels(System(environment), loop),
        seconds=time.monotonic() - started,
        peak_memory_mb=memory.peak_mb,
    )
    print(json.dumps({"demo": summary}), flush=True)


async def _register_base(environment: Mapping[str, str]) -> None:
    """In a process of its own, which takes the memory for it along."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.prepare", "--base-model", BASE_MODEL),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise PlaceError(f"{BASE_MODEL} could not be registered:\n{errors.decode()[-2000:]}")


async def _play(
    plan: Plan,
    environment: Mapping[str, str],
    loop: Loop,
    display: Display,
    panel: Sequence[Reviewer],
    memory: Memory,
) -> None:
    """Run the scenario with everything that goes on beside it."""
    system = System(environment)
    recorded = {claim_id_of(case.input.model_dump(mode="json")): case for case in plan.stream()}
    async with AsyncExitStack() as exits:
        tasks = [asyncio.create_task(watch(loop, system.kafka))]
        exits.callback(lambda: [task.cancel() for task in tasks])
        await loop.caught_up.wait()
        sender = Sender(engine_settings(environment), client_id="caseloop-demo")
        feed = Feed(plan.task.name, plan.stream(), sender, set(loop.submitted), lambda: loop.lost)
        url = system.url("review_queue")
        tasks += [asyncio.create_task(work(url, member, recorded.get)) for member in panel]
        tasks += [
            asyncio.create_task(feed.run()),
            asyncio.create_task(memory.run()),
            asyncio.create_task(_follow_labels(system, display)),
        ]
        live = Live(display, console=display.console, refresh_per_second=4)
        if display.console.is_terminal:
            exits.enter_context(live)
        await Scenario(plan, system, loop, feed, display).play()


async def _follow_labels(system: System, display: Display) -> None:
    """How many labels are still missing until the next training, twice a second."""
    task = display.loop.task
    while True:
        found = await asyncio.to_thread(system.get, "dataset_accumulator", "/v1/labels/progress")
        if task in found:
            display.label_progress = (found[task]["train_unreleased"], found[task]["threshold"])
        display.milestones()
        await asyncio.sleep(0.5)


def _print_table(loop: Loop, environment: Mapping[str, str], console: Console) -> None:
    artifacts = Artifacts(engine_settings(environment))
    console.print(report.table(loop, report.recalls(artifacts, loop)))
    for found in System(environment).get("promoter", "/v1/versions", task=loop.task):
        reasons = "; ".join(found["reasons"])
        console.print(f"{found['version']} is {found['state']}. {found['verdict']}: {reasons}")


def _print_addresses(
    system: System, panel: Sequence[Reviewer], place: Place, console: Console
) -> None:
    addresses = "\n".join(f"{service:<20} {system.url(service)}" for service in PORTS)
    console.print(f"\n{addresses}", highlight=False)
    console.print(
        f"\nThe review queue is open at {system.url('review_queue')}: sign in as "
        f"{panel[0].name} with {panel[0].password}\n{place.hint}",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    typer.run(main)
