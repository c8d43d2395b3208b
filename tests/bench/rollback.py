"""From the operator's order to the last of two inference processes answering with the old model."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from deploy.cli.client import System
from deploy.cli.submission import import_file
from deploy.demo.plan import HISTORY_SPLITS, simulated, with_strategy
from deploy.embedded.stack import EmbeddedStack
from deploy.simulation import write_history
from tests.bench.measure import Measure
from tests.support.builders.events import claim_input
from tests.support.callers import operator_of
from tests.support.engines.lifecycle import temporary_home

ROUNDS = 5
_SETTINGS = {
    "TRAINER_STRATEGY": "linear",
    "LABEL_THRESHOLD": "1000000",
    "DATASET_ACCUMULATOR_IMPORTS_NEED_CONFIRMATION": "false",
    "DATASET_ACCUMULATOR_IMPORTS_MAY_TEST": "true",
    "EVALUATOR_TOLERATED_ERROR": "0.5",
    "EVALUATOR_MARGIN": "0.9",
    "PROMOTER_SHADOW_CASES": "0",
    "PROMOTER_SHADOW_SECONDS": "0",
    "PROMOTER_CANARY_CASES": "0",
    "PROMOTER_CANARY_SECONDS": "0",
    "PROMOTER_FULL_CASES": "0",
    "PROMOTER_FULL_SECONDS": "0",
}


async def rollback(environment: Mapping[str, str]) -> Measure:
    """Two versions are trained, the second is promoted and rolled back, again and again."""
    with temporary_home() as home:
        stack = EmbeddedStack(
            home, engines=False, environment={**environment, **_SETTINGS}, ports="free"
        )
        with stack, second_inference(stack) as second:
            system = System(stack.environment)
            for number in (1, 2):
                import_part(system, home, number)
                await champion(system, f"adjudication-v1.{number - 1}")
            addresses = [system.url("inference"), second]
            seconds = [await one_rollback(system, addresses) for _ in range(ROUNDS)]
    return Measure("rollback", median(seconds), None, "s")


@contextmanager
def second_inference(stack: EmbeddedStack) -> Iterator[str]:
    """Another process of the same service, in the same consumer group."""
    port = stack.settings.base_port + 15
    process = subprocess.Popen(
        [sys.executable, "-m", "services.inference"],
        env={**os.environ, **stack.environment, "INFERENCE_PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def import_part(system: System, home: Path, number: int) -> None:
    """History that makes one more dataset version."""
    plan = with_strategy(simulated(seed=number, history=600), "linear")
    file = home / f"history-{number}.csv"
    write_history(file, plan.task, plan.history_cases())
    query = {"task": "adjudication", "splits": HISTORY_SPLITS, "release": True}
    import_file(system, file, query, on_bytes=lambda _: None)


async def champion(system: System, version: str) -> None:
    async with asyncio.timeout(180):
        while True:
            found = await asyncio.to_thread(system.get, "promoter", "/v1/rollouts/adjudication")
            if found["champion"] == version:
                return
            await asyncio.sleep(0.5)


async def one_rollback(system: System, addresses: list[str]) -> float:
    """Seconds until both answer with the older version; the newer one is then put back."""
    headers = operator_of(system)
    older, newer = "adjudication-v1.0", "adjudication-v1.1"
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        await asyncio.gather(*(answered_by(client, url, newer) for url in addresses))
        promoter = f"{system.url('promoter')}/v1/rollouts/adjudication"
        started = time.perf_counter()
        order = await client.post(f"{promoter}/rollback", json={"why": "bench"})
        order.raise_for_status()
        await asyncio.gather(*(answered_by(client, url, older) for url in addresses))
        seconds = time.perf_counter() - started
        again = {"version": newer, "why": "bench"}
        (await client.post(f"{promoter}/promote", json=again)).raise_for_status()
        await champion(system, newer)
    return seconds


async def answered_by(client: httpx.AsyncClient, url: str, version: str) -> None:
    """Ask until that version answers."""
    async with asyncio.timeout(60):
        while True:
            case = {
                "case_id": f"bench-{time.monotonic_ns()}",
                "task": "adjudication",
                "input": claim_input(),
            }
            try:
                response = await client.post(f"{url}/v1/predictions", json=case)
                if response.is_success and response.json()["answering_version"] == version:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.2)
