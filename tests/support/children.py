"""The child processes of a test, by the module that they run."""

from collections.abc import Iterator
from contextlib import suppress

import psutil


def children_that_run(module: str) -> list[psutil.Process]:
    """Those that are there now; one may end while it is looked at."""
    return list(_running(module))


def _running(module: str) -> Iterator[psutil.Process]:
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if module in child.cmdline():
                yield child
