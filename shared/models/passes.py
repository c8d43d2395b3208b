"""Cases in passes through a model, and passes side by side.

The threads of one matrix product wait for each other at every product; passes never wait. So each
worker computes whole passes by itself, and a core that others need slows down only its own pass.
Measured in docs/log.md.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")

_MOST_WORKERS = 4  # beyond them, the threads of a product are the better use of cores
# Asked once: what a worker sets for itself becomes the default of every thread after it.
_THREADS = torch.get_num_threads()


def passes(
    batch: Sequence[int], lengths: Sequence[int], *, tokens: int, abreast: int = 1
) -> list[list[int]]:
    """The batch in parts of similar length, of at most `tokens` tokens with padding.

    `abreast` passes run at once, so there are so many parts if there are as many cases. One case
    always fits.
    """
    if not batch:
        return []
    most = math.ceil(len(batch) / abreast)
    parts: list[list[int]] = [[]]
    for index in sorted(batch, key=lambda index: lengths[index]):
        size = len(parts[-1]) + 1
        if size > 1 and (size > most or size * lengths[index] > tokens):
            parts.append([])
        parts[-1].append(index)
    return parts


def abreast(device: torch.device) -> int:
    """How many passes run at once: on a CPU one for each core (`OMP_NUM_THREADS` says less), up to
    four; a GPU is busy with one.
    """
    return min(_MOST_WORKERS, _THREADS) if device.type == "cpu" else 1


def side_by_side(
    work: Callable[[Part], Result], parts: Sequence[Part], *, device: torch.device
) -> Iterator[Result]:
    """What `work` makes of each part, in their order, each as soon as it is asked for and there.

    `work` sets its own grad mode: threads have one each.
    """
    workers = abreast(device)
    if workers == 1 or len(parts) == 1:
        return map(work, parts)
    return _pool(workers).map(work, parts)


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    threads = max(1, _THREADS // workers)
    return ThreadPoolExecutor(
        workers, "pass", initializer=torch.set_num_threads, initargs=(threads,)
    )
