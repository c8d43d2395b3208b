"""What a user is shown of processes that do not become healthy: why, and the end of each log."""

from pathlib import Path

from rich.text import Text

from deploy.embedded.stack import Unhealthy
from deploy.terminal import Terminal

_SHOWN_LOG_LINES = 25


def print_failure_report(error: Unhealthy, console: Terminal) -> None:
    for name, reason in error.reasons.items():
        log = error.layout.log(name)
        console.print(Text.assemble(("not healthy", "red"), f"  {name}: {reason}"))
        console.rule(f"end of {log}", style="dim")
        console.print(_tail(log), highlight=False)


def _tail(log: Path) -> str:
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-_SHOWN_LOG_LINES:])
