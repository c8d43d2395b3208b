"""The memory of everything that runs, engines included, sampled while the demonstration runs."""

import asyncio
from dataclasses import dataclass

from deploy.embedded.status import memory_mb

_SECONDS = 3.0


@dataclass
class Memory:
    """The most megabytes that a process and all below it ever had."""

    root: int | None  # none if it cannot be told
    peak_mb: float = 0.0

    async def run(self) -> None:
        while self.root is not None:
            self.peak_mb = max(self.peak_mb, await asyncio.to_thread(memory_mb, self.root))
            await asyncio.sleep(_SECONDS)
