"""How long a test waits for what must come: a busy machine is no failure."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable

PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.05


async def until(holds: Callable[[], object | Awaitable[object]]) -> None:
    """Wait until it holds; `TimeoutError` once patience is over."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await _now(holds()):
            await asyncio.sleep(_LOOK_SECONDS)


async def _now(found: object | Awaitable[object]) -> object:
    return await found if isawaitable(found) else found


def wait_until(holds: Callable[[], object]) -> None:
    """The same for what blocks."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_LOOK_SECONDS)
