"""`make demo`: starts the system, plays the scenario, prints the result, leaves it running."""

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from deploy.command_line.base_models import register
from deploy.command_line.client import PORTS, System
from deploy.demo import report
from deploy.demo.display import Display
from deploy.demo.feed import Feed, claim_id_of
from deploy.demo.memory import Memory
from deploy.demo.panel import Reviewer, as_setting, reviewers, work
from deploy.demo.plan import Plan, independent_review, simulated, with_strategy
from deploy.demo.scenario import Scenario, Stuck
from deploy.demo.watch import Loop, watch
from deploy.embedded.layout import Layout, default_home
from deploy.embedded.outside import outside_engines
from deploy.embedded.settings import read_env
from deploy.embedded.stack import EmbeddedStack, StackError
from shared.artifacts import Artifacts
from shared.errors import Rejected
from shared.sender import Sender
from shared.settings import engine_settings

SIMULATED = "simulated"


def main(
    claims: Annotated[str, typer.Option(help="simulated, or the path of a CSV file")] = SIMULATED,
    limit: Annotated[int, typer.Option(help="cases of a CSV file; 0 is all")] = 1500,
    seed: Annotated[int, typer.Option(help="of the simulated claims")] = 1,
    strategy: Annotated[str, typer.Option(help="lora, or linear for a fast look")] = "lora",
    history: Annotated[int, typer.Option(help="simulated claims decided before")] = 600,
    threshold: Annotated[int, typer.Option(help="labels that make the second version")] = 250,
) -> None:
    """Run the whole loop on embedded engines."""
    console = Console()
    if claims == SIMULATED:
        plan = simulated(seed=seed, history=history, threshold=threshold)
    else:
        plan = independent_review(Path(claims).expanduser(), limit=limit)
    plan = with_strategy(plan, strategy)
    try:
        asyncio.run(demonstrate(plan, claims=claims, console=console))
    except (Stuck, StackError, Rejected) as error:
        console.print(f"[red]{error}[/red]")
        sys.exit(1)


async def demonstrate(plan: Plan, *, claims: str, console: Console) -> None:
    started = time.monotonic()
    home = default_home()
    panel = reviewers(read_env(Layout(home)))
    outside = outside_engines(os.environ)
    users = {"REVIEW_QUEUE_BOOTSTRAP_USERS": as_setting(panel)}
    environment = {**outside, **plan.environment, **users}
    stack = EmbeddedStack(home, engines=not outside, environment=environment, outlive=True)
    loop = Loop(plan.task.name)
    display = Display(loop, console)
    display.step("starting PostgreSQL, S3, the broker and seven services")
    with console.status("starting"):
        await asyncio.to_thread(stack.start)
        if plan.settings["TRAINER_STRATEGY"] == "lora":
            display.step("registering the base model")
            await asyncio.to_thread(
                register, "SmolLM2-135M-Instruct", name=None, settings=stack.environment
            )
    memory = Memory(int(stack.layout.supervisor_pid.read_text()))
    await _play(plan, stack, loop, display, panel, memory)
    _print_result(
        loop,
        stack,
        panel,
        console,
        claims=claims,
        seconds=time.monotonic() - started,
        peak_memory_mb=memory.peak_mb,
    )


async def _play(
    plan: Plan,
    stack: EmbeddedStack,
    loop: Loop,
    display: Display,
    panel: list[Reviewer],
    memory: Memory,
) -> None:
    """Run the scenario with everything that goes on beside it."""
    system = System(stack.environment)
    recorded = {claim_id_of(case.input.model_dump(mode="json")): case for case in plan.stream()}
    async with AsyncExitStack() as exits:
        tasks = [asyncio.create_task(watch(loop, system.kafka))]
        exits.callback(lambda: [task.cancel() for task in tasks])
        await loop.caught_up.wait()
        sender = Sender(engine_settings(stack.environment), client_id="caseloop-demo")
        feed = Feed(plan.task.name, plan.stream(), sender, set(loop.submitted))
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


def _print_result(
    loop: Loop,
    stack: EmbeddedStack,
    panel: list[Reviewer],
    console: Console,
    *,
    claims: str,
    seconds: float,
    peak_memory_mb: float,
) -> None:
    system = System(stack.environment)
    console.print(
        report.table(loop, report.recalls(Artifacts(engine_settings(stack.environment)), loop))
    )
    for found in system.get("promoter", "/v1/versions", task=loop.task):
        console.print(
            f"{found['version']}: {found['state']}, {found['verdict']}: "
            + "; ".join(found["reasons"]),
            highlight=False,
        )
    console.print()
    for service in PORTS:
        console.print(f"{service:<20} {system.url(service)}", highlight=False)
    console.print(
        f"\nThe review queue is open at {system.url('review_queue')}: sign in as "
        f"{panel[0].name} with {panel[0].password}\nmake status, make logs, make down, make reset",
        highlight=False,
    )
    summary = report.summary(
        loop,
        claims=claims,
        labels=report.labels(system, loop),
        seconds=seconds,
        peak_memory_mb=peak_memory_mb,
    )
    sys.stdout.flush()
    print(json.dumps({"demo": summary}), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    typer.run(main)
