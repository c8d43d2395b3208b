"""Coroutines that run for as long as the scenario: none outlives it, none fails unnoticed."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def run_in_background(*coroutines: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run these until the block ends. The first that fails ends the block with its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in coroutines]
            yield
            for task in tasks:
                task.cancel()
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
