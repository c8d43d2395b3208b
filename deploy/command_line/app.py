"""The commands. Each asks a service over HTTP; `submit` and dead letters use Kafka."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from deploy.command_line import dead_letters, submission, views
from deploy.command_line.client import Refused, System, Unreachable, environment
from shared.errors import Rejected
from shared.topics import create_topics

app = typer.Typer(no_args_is_help=True, help="Caseloop: operate the loop from a terminal.")
dlq = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be processed.")
app.add_typer(dlq, name="dlq")
users = typer.Typer(no_args_is_help=True, help="Who may sign in to the review queue.")
app.add_typer(users, name="users")
console = Console()

Task = Annotated[str, typer.Argument(help="for example adjudication")]
Why = Annotated[str, typer.Option("--why", help="recorded with your name", prompt=True)]

Name = Annotated[str, typer.Argument(help="as it is typed at sign-in")]
Role = Annotated[str, typer.Argument(help="adjudicator, senior, lead, operator or auditor")]
Password = Annotated[
    str,
    typer.Option(
        help="asked for if left out", prompt=True, hide_input=True, confirmation_prompt=True
    ),
]


def system() -> System:
    return System(environment())


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="a JSON file or JSON lines; - reads stdin")],
    task: Annotated[str, typer.Option(help="for lines that name no task")] = "adjudication",
    now: Annotated[bool, typer.Option(help="ask over HTTP and print the predictions")] = False,
) -> None:
    """Submit cases: to Kafka, or one by one over HTTP with an answer."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    cases = list(submission.read(text, task=task))
    if now:
        for case in cases:
            console.print_json(data=system().post("inference", "/v1/predictions", case))
        return
    sent = submission.send(system().kafka, cases)
    console.print(f"{sent} cases submitted to cases.submitted.v1")


@app.command()
def status() -> None:
    """Health, rollouts, the queue, labels and training at a glance."""
    for part in views.status(system()):
        console.print(part)


@app.command("import")
def import_history(
    file: Annotated[Path, typer.Argument(help="a CSV file of adjudicated cases", exists=True)],
    task: Annotated[str, typer.Option()] = "adjudication",
    splits: Annotated[str, typer.Option(help="train=0.7,validation=0.1,…")] = "",
    release: Annotated[bool, typer.Option(help="release a dataset version afterwards")] = False,
) -> None:
    """Import adjudicated history; every refused row is listed with its line, field and reason."""
    query: dict[str, Any] = {"task": task, "release": release}
    if splits:
        query["splits"] = splits
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        bar = progress.add_task(f"importing {file.name}", total=file.stat().st_size)
        report = submission.import_file(
            system(), file, query, on_bytes=lambda count: progress.advance(bar, count)
        )
    for part in views.import_report(report):
        console.print(part)


@app.command()
def versions(task: Annotated[str | None, typer.Argument()] = None) -> None:
    """Every model version, its verdict and what became of it."""
    console.print(views.versions(system(), task))


@app.command()
def rollback(task: Task, why: Why) -> None:
    """Go back: refuse the candidate, or put the last good version in the champion's place."""
    _act(task, "rollback", why)


@app.command()
def pause(task: Task, why: Why) -> None:
    """Keep the rollout at its stage."""
    _act(task, "pause", why)


@app.command()
def resume(task: Task, why: Why) -> None:
    """Let a paused rollout go on."""
    _act(task, "resume", why)


@app.command()
def stop(task: Task, why: Why) -> None:
    """Send every case of the task to humans."""
    _act(task, "stop", why)


@app.command()
def start(task: Task, why: Why) -> None:
    """Undo a stop."""
    _act(task, "start", why)


def _act(task: str, action: str, why: str) -> None:
    state = system().post("promoter", f"/v1/rollouts/{task}/{action}", {"why": why})
    console.print(views.rollout(state))


@app.command()
def topics() -> None:
    """Create the topics that are missing, and list them all."""
    replication = int(environment().get("KAFKA_REPLICATION", "1"))
    created = create_topics(",".join(system().kafka), replication=replication)
    console.print(views.topics(created))


@app.command("register-base")
def register_base(
    model: Annotated[str, typer.Argument(help="name, path or hub id of a causal LM")],
    name: Annotated[str | None, typer.Option(help="the name it is registered under")] = None,
) -> None:
    """Register a base model under s3://models/base/."""
    from deploy.command_line.base_models import register

    with console.status(f"registering {model}"):
        uri = register(model, name=name, settings=environment())
    console.print(f"registered {uri}")


@dlq.command("list")
def list_letters() -> None:
    """All dead letters: where they lie, whose they are, and why."""
    table = Table(Column("place", no_wrap=True), "group", "error", "failed at")
    for kept in dead_letters.kept_letters(system().kafka):
        letter = kept.letter
        table.add_row(
            kept.place, letter.group, f"{letter.error_type}: {letter.error}", letter.failed_at
        )
    console.print(table if table.row_count else "no dead letters")


@dlq.command("show")
def show_letter(place: Annotated[str, typer.Argument(help="topic/partition/offset")]) -> None:
    """One dead letter in full."""
    kept = dead_letters.find(system().kafka, place)
    if kept is None:
        raise Rejected(f"no dead letter at {place}; `caseloop dlq list` shows the places")
    console.print(dead_letters.describe(kept), markup=False, highlight=False)


@dlq.command("replay")
def replay_letters(
    places: Annotated[list[str] | None, typer.Argument(help="topic/partition/offset …")] = None,
    new: Annotated[bool, typer.Option("--new", help="what came since the last --new")] = False,
    everything: Annotated[bool, typer.Option("--all", help="all there are, also again")] = False,
) -> None:
    """Send dead letters back to their topics, after whatever was wrong is mended."""
    if [bool(places), new, everything].count(True) != 1:
        raise typer.BadParameter("name the places, or say --new, or --all")
    kafka = system().kafka
    if new:
        outcomes = dead_letters.replay_new(kafka)
    else:
        wanted = set(places or [])
        kept = [k for k in dead_letters.kept_letters(kafka) if everything or k.place in wanted]
        if missing := wanted - {letter.place for letter in kept}:
            raise Rejected(f"no dead letter at {', '.join(sorted(missing))}")
        outcomes = dead_letters.replay(kafka, kept)
    found = list(outcomes)
    refused = [f"{each.kept.place}: {each.refused}" for each in found if each.refused]
    console.print(f"{len(found) - len(refused)} records replayed")
    if refused:
        raise Rejected("\n".join(["not replayed:", *refused]))


@users.command("list")
def list_users() -> None:
    """Everybody who could ever sign in."""
    table = Table("name", "role", "")
    for user in system().get("review_queue", "/v1/users"):
        table.add_row(user["name"], user["role"], "" if user["active"] else "shut out")
    console.print(table)


@users.command("add")
def add_user(name: Name, role: Role, password: Password) -> None:
    """Let somebody sign in."""
    found = system().post(
        "review_queue", "/v1/users", {"name": name, "role": role, "password": password}
    )
    console.print(f"{found['name']} can sign in as {found['role']}")


@users.command("shut-out")
def shut_out_user(name: Name) -> None:
    """Let somebody sign in no more; open sessions end at once, what was decided stays."""
    _change_user(name, {"active": False})
    console.print(f"{name} is shut out")


@users.command("let-in")
def let_in_user(name: Name) -> None:
    """Undo a shut-out."""
    _change_user(name, {"active": True})
    console.print(f"{name} can sign in again")


@users.command("password")
def set_password(name: Name, password: Password) -> None:
    """Set a new password; open sessions end at once."""
    _change_user(name, {"password": password})
    console.print(f"{name} has a new password")


def _change_user(name: str, change: dict[str, Any]) -> None:
    system().patch("review_queue", f"/v1/users/{quote(name, safe='')}", change)


def main() -> None:
    """Run the command line; expected failures are one line on stderr and exit 1."""
    try:
        app()
    except (Unreachable, Refused, Rejected, json.JSONDecodeError) as error:
        Console(stderr=True).print(f"[red]{error}[/red]")
        sys.exit(1)
