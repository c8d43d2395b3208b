"""The memory is a number beside the demonstration: not to know it ends nothing."""

import asyncio
import os

import psutil
import pytest

from deploy.demo.background import run_in_background
from deploy.demo.memory import Memory
from tests.support.patience import until


async def test_the_peak_is_in_megabytes() -> None:
    memory = Memory(os.getpid())
    async with run_in_background(memory.run()):
        await until(lambda: memory.peak_mb)
    assert 5 < memory.peak_mb < 10_000


async def test_a_process_that_may_not_be_looked_at_counts_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = asyncio.Event()

    def refuse(_: psutil.Process) -> None:
        loop.call_soon_threadsafe(asked.set)
        raise psutil.AccessDenied

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(psutil.Process, "memory_full_info", refuse)
    memory = Memory(os.getpid())
    async with run_in_background(memory.run()):
        await asked.wait()

    assert memory.peak_mb == 0.0
