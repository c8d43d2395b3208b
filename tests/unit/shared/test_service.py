"""What a service says of its loops: one that fails again and again is not ready in between."""

import asyncio

import pytest
from structlog.testing import capture_logs

from shared import service
from shared.errors import Transient
from shared.health import Health


@pytest.mark.parametrize("error", [Transient("it is away"), RuntimeError("a bug")])
async def test_a_loop_is_healthy_again_once_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(service, "_PROOF_SECONDS", 2.0)
    health = Health()
    turns = 0

    async def loop() -> None:
        nonlocal turns
        turns += 1
        await asyncio.sleep(0.1)
        if turns <= 2:
            raise error
        await asyncio.sleep(60)

    with capture_logs():
        keeping = asyncio.create_task(service._keep(loop, health))
        while not health.reasons:
            await asyncio.sleep(0.01)
        said = set()
        while turns <= 2:
            said.add(health.is_ready)
            await asyncio.sleep(0.01)
        assert said == {False}
        async with asyncio.timeout(10):
            while not health.is_ready:
                await asyncio.sleep(0.01)
        keeping.cancel()
