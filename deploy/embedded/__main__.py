"""`python -m deploy.embedded`: up, engines, down, status, logs, reset."""

import os
import sys
import time
from typing import Annotated

import typer
from rich.text import Text

from deploy.embedded.failure_report import print_failure_report
from deploy.embedded.layout import default_home
from deploy.embedded.stack import EmbeddedStack, StackError, Unhealthy
from deploy.embedded.status import statuses, table
from deploy.terminal import Terminal
from shared.services import SERVICES

app = typer.Typer(
    help="Run the embedded stack: engines and services on this machine.",
    no_args_is_help=True,
    add_completion=False,
)
console = Terminal()


@app.command()
def up(
    only: Annotated[str, typer.Option(help="`engines` starts no services.")] = "",
    setting: Annotated[list[str], typer.Option("--set", help="NAME=VALUE, kept.")] = [],  # noqa: B006
    timeout: Annotated[float, typer.Option(help="Seconds to wait for all to be healthy.")] = 90.0,
) -> None:
    """Start what does not run and wait until all of it is healthy."""
    if only not in ("", "engines"):
        raise typer.BadParameter("only `engines` can be started alone", param_hint="--only")
    stack = _stack(services=() if only else SERVICES, settings=_pairs(setting))
    started = time.monotonic()
    try:
        with console.status("starting"):
            stack.start(_healthy, timeout=timeout)
    except Unhealthy as error:
        print_failure_report(error, console)
        raise typer.Exit(1) from None
    seconds = time.monotonic() - started
    console.print(f"all healthy after {seconds:.1f} s; settings in {stack.layout.env_file}")


@app.command()
def engines() -> None:
    """Start PostgreSQL, S3 and the broker alone."""
    up(only="engines")


@app.command()
def down() -> None:
    """Stop everything and keep the data."""
    with console.status("stopping"):
        _stack().stop()
    console.print("stopped")


@app.command()
def status() -> None:
    """Show every process; exit with 1 unless all that run are healthy."""
    stack = _stack()
    if not stack.supervisor.is_running():
        console.print("nothing runs; start it with `make up`")
        raise typer.Exit(1)
    rows = statuses(stack.supervisor.processes(), stack.settings)
    console.print(table(rows))
    if not all(row.health.healthy for row in rows if row.health):
        raise typer.Exit(1)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="A process; without it, all of them.")] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing until Ctrl-C.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n")] = 50,
) -> None:
    """Print the end of the logs."""
    layout = _stack().layout
    files = [layout.log(name)] if name else sorted(layout.logs.glob("*.log"))
    missing = [file.stem for file in files if not file.exists()]
    if missing or not files:
        console.print(f"no log of {', '.join(missing) or 'anything'} in {layout.logs}")
        raise typer.Exit(1)
    command = ["tail", "-n", str(lines), *(["-F"] if follow else []), *map(str, files)]
    os.execvp(command[0], command)  # noqa: S606 - no shell wanted


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything and delete all data, after a question."""
    home = default_home()
    if not home.exists():
        console.print(f"{home} does not exist")
        return
    if not yes:
        typer.confirm(f"Delete {home} with all cases, labels and models?", abort=True)
    _stack().reset()
    console.print(f"deleted {home}")


def main() -> None:
    """Run the command line; an error that has an explanation is shown without a traceback."""
    try:
        app()
    except (StackError, OSError) as error:
        console.print(str(error), style="red", soft_wrap=True)
        sys.exit(1)


def _stack(
    *, services: tuple[str, ...] = SERVICES, settings: dict[str, str] | None = None
) -> EmbeddedStack:
    return EmbeddedStack(default_home(), services=services, environment=settings, outlive=True)


def _pairs(settings: list[str]) -> dict[str, str]:
    pairs = [setting.partition("=") for setting in settings]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise typer.BadParameter(f"not NAME=VALUE: {', '.join(wrong)}", param_hint="--set")
    return {name: value for name, _, value in pairs}


def _healthy(name: str, seconds: float) -> None:
    console.print(Text.assemble(("healthy", "green"), f"  {name} ", (f"{seconds:.1f} s", "dim")))


if __name__ == "__main__":
    main()
