"""Processes of a stack that outlived its supervisor, found by a mark in their environment.

The mark is given to the stack's processes only; it is never in a file or in a user's shell.
"""

from contextlib import suppress

import psutil

from deploy.embedded.layout import Layout

_MARK = "CASELOOP_PROCESS_OF"
_KILL_SECONDS = 60.0


def mark(layout: Layout) -> dict[str, str]:
    """The variable by which a process of this home is known."""
    return {_MARK: str(layout.home)}


def kill(layout: Layout) -> None:
    """SIGKILL every process that a killed supervisor of this home left behind."""
    orphans = [process for process in psutil.process_iter() if _belongs(process, layout)]
    for process in orphans:
        with suppress(psutil.NoSuchProcess):  # it has ended by itself meanwhile
            process.kill()
    psutil.wait_procs(orphans, timeout=_KILL_SECONDS)


def _belongs(process: psutil.Process, layout: Layout) -> bool:
    try:
        return process.environ().get(_MARK) == str(layout.home)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
