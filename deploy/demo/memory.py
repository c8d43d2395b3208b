"""The memory of everything that runs, engines included, sampled while the demonstration goes on."""

import asyncio
from dataclasses import dataclass

import psutil

_SECONDS = 3.0


@dataclass
class Memory:
    """Megabytes of a process and all below it; shared pages are counted once, where it can tell."""

    root: int | None  # none if it cannot be told
    peak_mb: float = 0.0

    async def run(self) -> None:
        while self.root is not None:
            self.peak_mb = max(self.peak_mb, await asyncio.to_thread(self.now_mb))
            await asyncio.sleep(_SECONDS)

    def now_mb(self) -> float:
        try:
            root = psutil.Process(self.root)
            return sum(map(_megabytes, [root, *root.children(recursive=True)]))
        except psutil.NoSuchProcess:
            return 0.0


def _megabytes(process: psutil.Process) -> float:
    try:
        memory = process.memory_full_info()
    except psutil.NoSuchProcess:
        return 0.0
    return float(getattr(memory, "pss", memory.rss)) / 1e6
