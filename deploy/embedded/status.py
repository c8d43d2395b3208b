"""What runs in a stack, how long, with how much memory, and whether it works."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil
from rich.table import Table
from rich.text import Text

from deploy.embedded.health import ProcessHealth, probe
from deploy.embedded.ports import OFFSETS
from deploy.embedded.programs import ENGINES
from deploy.embedded.settings import Settings
from deploy.embedded.supervision import Process

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Status:
    """One line of the table. A process that nobody started has no health."""

    name: str
    state: str
    address: str
    uptime_seconds: float = 0.0
    memory_mb: float = 0.0
    health: ProcessHealth | None = None


def statuses(processes: dict[str, Process], settings: Settings) -> list[Status]:
    """The status of every process that has an address, asked at the same time."""
    known = [process for name, process in processes.items() if name in OFFSETS]
    with ThreadPoolExecutor(max_workers=len(known) or 1) as pool:
        rows = list(pool.map(lambda process: _status(process, settings), known))
    return sorted(rows, key=lambda status: OFFSETS[status.name])


def table(rows: list[Status]) -> Table:
    shown = Table("process", "state", "uptime", "MB", "address", "health", box=None, pad_edge=False)
    for row in rows:
        shown.add_row(
            row.name,
            row.state.lower(),
            _duration(row.uptime_seconds) if row.uptime_seconds else "",
            f"{row.memory_mb:.0f}" if row.memory_mb else "",
            row.address,
            _health(row.health),
        )
    total = sum(row.memory_mb for row in rows)
    shown.add_row("together", "", "", f"{total:.0f}", style="bold")
    return shown


def _status(process: Process, settings: Settings) -> Status:
    scheme = "" if process.name in ENGINES else "http://"
    address = scheme + settings.address(process.name)
    if process.state == "STOPPED":
        return Status(process.name, process.state, address)
    if not process.pid:
        return Status(
            process.name, process.state, address, health=ProcessHealth(False, "see its log")
        )
    return Status(
        name=process.name,
        state=process.state,
        address=address,
        uptime_seconds=time.time() - process.started_at,
        memory_mb=memory_mb(process.pid),
        health=probe(process.name, settings),
    )


def memory_mb(pid: int) -> float:
    """Of a process and all below it; what they share counts once (where PSS is known)."""
    try:
        parent = psutil.Process(pid)
        tree = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_bytes(process) for process in tree) / _MEGABYTE


def _bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return int(getattr(memory, "pss", memory.uss))


def _duration(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {rest:02}s"


def _health(health: ProcessHealth | None) -> Text:
    if health is None:
        return Text()
    return Text("healthy", "green") if health.healthy else Text(health.reason, "red")
