"""The memory is a number beside the demonstration: not to know it ends nothing."""

import asyncio
import os
from contextlib import suppress

import psutil
import pytest

from deploy.demo.memory import Memory


async def sampled() -> float:
    memory = Memory(os.getpid())
    with suppress(TimeoutError):
        await asyncio.wait_for(memory.run(), 0.2)
    return memory.peak_mb


async def test_the_peak_is_in_megabytes() -> None:
    assert 5 < await sampled() < 10_000


async def test_a_process_that_may_not_be_looked_at_counts_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: psutil.Process) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "memory_full_info", refuse)

    assert await sampled() == 0.0
