"""`make bench`: every measure, a JSON line each; machine, date and results go to docs/log.md."""

import asyncio
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from deploy.prepare import prepare
from shared.settings import engine_settings
from tests.bench.event_path import event_path
from tests.bench.measure import Measure
from tests.bench.million import million
from tests.bench.queue import queue
from tests.bench.release import release
from tests.bench.rollback import rollback
from tests.support.engines.lifecycle import own_engines

LOG = Path(__file__).parents[2] / "docs" / "log.md"

OnEngines = Callable[[Mapping[str, str]], Awaitable[Measure | list[Measure]]]
ON_ENGINES: dict[str, OnEngines] = {
    "event_path": event_path,
    "queue": queue,
    "release": release,
    "rollback": rollback,
    "million": million,
}


def main() -> None:
    wanted = sys.argv[1:] or [*ON_ENGINES, "language_model"]
    found: list[Measure] = []
    for name in wanted:
        for measure in measures(name):
            print(measure.line(), flush=True)
            found.append(measure)
    keep(found)


def measures(name: str) -> list[Measure]:
    """Each measure has engines to itself."""
    if name == "language_model":
        from tests.bench.language_model import scoring_and_training

        return asyncio.run(scoring_and_training())
    with own_engines(outlast="power cuts") as engines:
        prepare(engine_settings(engines.environment))
        return uvloop.run(_taken(ON_ENGINES[name], engines.environment))


async def _taken(measure: OnEngines, environment: Mapping[str, str]) -> list[Measure]:
    found = await measure(environment)
    return found if isinstance(found, list) else [found]


def keep(found: list[Measure]) -> None:
    """Append the results to the lab log."""
    title = f"## {datetime.now(UTC):%Y-%m-%d}: make bench, {machine()}"
    lines = "\n".join(measure.line() for measure in found)
    with LOG.open("a") as file:
        file.write(f"\n{title}\n\n```\n{lines}\n```\n")


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
