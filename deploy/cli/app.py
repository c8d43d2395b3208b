"""The commands. Each asks a service over HTTP; `submit` and dead letters use Kafka."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from uuid import uuid4

import typer
from kafka.errors import KafkaError
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from deploy.cli import dead_letters, recovery, submission, views
from deploy.cli.client import (
    NotApplied,
    Refused,
    SignedOut,
    Unreachable,
    environment,
    system,
)
from deploy.cli.imports import imports
from deploy.cli.sessions import sign_in, sign_out
from deploy.cli.users import users
from deploy.terminal import Terminal
from shared.errors import Rejected, Transient
from shared.messaging.topics import create_topics
from shared.models.base_model import BaseModelUnavailable
from shared.settings import engine_settings

app = typer.Typer(no_args_is_help=True, help="Caseloop: operate the loop from a terminal.")
dlq = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be processed.")
app.add_typer(dlq, name="dlq")
app.add_typer(imports, name="imports")
app.add_typer(users, name="users")
app.command("sign-in")(sign_in)
app.command("sign-out")(sign_out)
console = Terminal()
_ORDER_SECONDS = 60.0  # the promoter waits until the order is applied, or names who does not obey
_RECORDED = "recorded, but NOT YET APPLIED; `caseloop status` follows it. It waits for:"
_EXPLAINED = (
    *(NotApplied, Unreachable, Refused, SignedOut, Rejected, Transient),
    *(KafkaError, OSError, BaseModelUnavailable),
)

Task = Annotated[str, typer.Argument(help="for example adjudication")]
Version = Annotated[str, typer.Argument(help="for example adjudication-v1.1")]
Why = Annotated[str, typer.Option("--why", help="recorded with your name", prompt=True)]


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="a JSON file or JSON lines; - reads stdin")],
    task: Annotated[str, typer.Option(help="for lines that name no task")] = "adjudication",
    now: Annotated[bool, typer.Option(help="ask over HTTP and print the predictions")] = False,
) -> None:
    """Submit cases: to Kafka, or one by one over HTTP with an answer."""
    content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    cases = submission.read_cases(content, task=task)
    if now:
        for case in cases:
            order = case.model_dump(mode="json", exclude={"event_id", "occurred_at"})
            predicted = system().post("inference", "/v1/predictions", order, scope="submit")
            console.print_json(data=predicted)
        return
    sent = submission.send(system().kafka, cases)
    console.print(f"{sent} cases submitted to cases.submitted.v1")


@app.command()
def status() -> None:
    """Health, rollouts, labels and training at a glance."""
    for part in views.status(system()):
        console.print(part)


@app.command("import")
def import_history(
    file: Annotated[Path, typer.Argument(help="a file of decided cases", exists=True)],
    task: Annotated[str, typer.Option()] = "adjudication",
    file_format: Annotated[str, typer.Option("--format", help="the file's format")] = "csv",
    decided_by: Annotated[
        str, typer.Option(help="human, if people decided the rows that do not say it")
    ] = "",
    decimal: Annotated[str, typer.Option(help="the decimal mark of its amounts: . or ,")] = "",
    splits: Annotated[str, typer.Option(help="train=0.7,validation=0.1,…")] = "",
    release: Annotated[bool, typer.Option(help="release a dataset version afterwards")] = False,
) -> None:
    """Import decided cases, to be confirmed by a second person; refused rows are listed."""
    query: dict[str, Any] = {"task": task, "format": file_format, "release": release}
    stated = {"splits": splits, "decided_by": decided_by, "decimal": decimal}
    query |= {name: value for name, value in stated.items() if value}
    with Progress(
        TextColumn("{task.description}", markup=False),
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
def report(
    version: Version,
    output: Annotated[Path, typer.Option(help="the folder to write it into")] = Path(),
) -> None:
    """Save a version's evaluation as a page with its pictures."""
    page = output / f"{version}.html"
    path = f"/v1/evaluations/{quote(version, safe='')}/report"
    page.write_bytes(system().download("evaluator", path))
    console.print(f"wrote {page}", soft_wrap=True)


@app.command()
def release(task: Task) -> None:
    """Make a dataset version of the labels there are, without waiting for more."""
    order = {"task": task, "key": uuid4().hex}
    released = system().post("dataset_accumulator", "/v1/releases", order)
    console.print(f"released {released['dataset_version']}; it is trained next")


@app.command("retry-training")
def retry_training(
    run: Annotated[str, typer.Argument(help="as `caseloop status` names it")],
) -> None:
    """Queue a failed training again."""
    system().post("trainer", f"/v1/runs/{quote(run, safe='')}/retry", {})
    console.print(f"{run} is queued")


@app.command("retry-evaluation")
def retry_evaluation(version: Version) -> None:
    """Queue a version's failed evaluation again."""
    retried = system().post("evaluator", f"/v1/evaluations/{quote(version, safe='')}/retry", {})
    console.print(f"{retried['queued']} evaluations of {version} are queued")


@app.command()
def promote(task: Task, version: Version, why: Why) -> None:
    """Roll out an INCONCLUSIVE version by hand, stage by stage."""
    _act(task, "promote", why, version=version)


@app.command()
def rollback(task: Task, why: Why) -> None:
    """Go back: take the candidate out, or make the last good version champion again.

    A first version that is still watched leaves too, and every case goes to people.
    """
    _act(task, "rollback", why)


@app.command()
def pause(task: Task, why: Why) -> None:
    """Keep the rollout at its stage."""
    _act(task, "pause", why)


@app.command()
def resume(task: Task, why: Why) -> None:
    """Let a paused rollout continue."""
    _act(task, "resume", why)


@app.command()
def stop(task: Task, why: Why) -> None:
    """Send every case of the task to humans."""
    _act(task, "stop", why)


@app.command()
def start(task: Task, why: Why) -> None:
    """Undo a stop."""
    _act(task, "start", why)


def _act(task: str, action: str, why: str, **more: str) -> None:
    order = {"why": why, **more}
    path = f"/v1/rollouts/{quote(task, safe='')}/{action}"
    state = system().post("promoter", path, order, timeout=_ORDER_SECONDS)
    console.print(views.rollout(state))
    if state["applied"]:
        console.print("applied: every process that decides answers under it")
        return
    raise NotApplied("\n".join([_RECORDED, *state["waiting_for"]]))


@app.command()
def recover(
    since: Annotated[str, typer.Option(help="an hour before the backup, such as 2026-11-27T22:00")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
) -> None:
    """After PostgreSQL was restored: have the services read again what came since that time."""
    time = recovery.parse_time(since)
    kafka = system().kafka
    if not dry_run:
        recovery.refuse_while_running(system())
    rewinds = recovery.plan(kafka, time)
    console.print(views.rewinds(rewinds, time) if rewinds else "nothing came since; nothing to do")
    if dry_run:
        return
    owner = engine_settings(environment()).database_url.get_secret_value()
    asyncio.run(recovery.declare(owner, recovery.own_spans(kafka, time)))
    if rewinds:
        recovery.carry_out(kafka, rewinds)
        console.print("done: start the services, and they read these records again")


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
    from deploy.cli.base_models import register  # the S3 client takes a while to import

    with console.status(Text(f"registering {model}")):
        uri = register(model, name=name, settings=environment())
    console.print(f"registered {uri}")


@dlq.command("list")
def list_letters() -> None:
    """All dead letters: where they are, which service gave them up, and why."""
    table = views.letters(dead_letters.read_dead_letters(system().kafka))
    console.print(table if table.row_count else "no dead letters")


@dlq.command("show")
def show_letter(location: Annotated[str, typer.Argument(help="topic/partition/offset")]) -> None:
    """One dead letter in full."""
    stored = dead_letters.find(system().kafka, location)
    if stored is None:
        raise Rejected(f"no dead letter at {location}; `caseloop dlq list` shows where they are")
    console.print(dead_letters.describe(stored), highlight=False)


@dlq.command("replay")
def replay_letters(
    locations: Annotated[list[str] | None, typer.Argument(help="topic/partition/offset …")] = None,
    new: Annotated[bool, typer.Option("--new", help="what came since the last --new")] = False,
    everything: Annotated[bool, typer.Option("--all", help="all, even if replayed before")] = False,
) -> None:
    """Send dead letters back to their topics, after fixing what was wrong."""
    if [bool(locations), new, everything].count(True) != 1:
        raise typer.BadParameter("name the locations, or say --new, or --all")
    kafka = system().kafka
    if new:
        results = list(dead_letters.replay_new(kafka))
    else:
        results = list(dead_letters.replay(kafka, _chosen(kafka, set(locations or []))))
    refused = [f"{each.stored.location}: {each.refused}" for each in results if each.refused]
    console.print(f"{len(results) - len(refused)} records replayed")
    if refused:
        raise Rejected("\n".join(["not replayed:", *refused]))


def _chosen(kafka: list[str], locations: set[str]) -> list[dead_letters.StoredLetter]:
    """The letters at these locations, or all there are; `Rejected` if one is missing."""
    letters = list(dead_letters.read_dead_letters(kafka))
    if missing := locations - {letter.location for letter in letters}:
        raise Rejected(f"no dead letter at {', '.join(sorted(missing))}")
    return [letter for letter in letters if not locations or letter.location in locations]


def main() -> None:
    """Run the command line; expected failures are said on stderr, without a traceback: exit 1."""
    try:
        app()
    except _EXPLAINED as error:
        Terminal(stderr=True).print(str(error), style="red", soft_wrap=True)
        sys.exit(1)
