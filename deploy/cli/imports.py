"""The commands about imports: what was brought in, letting it in, and taking it out again."""

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from deploy.cli import views
from deploy.cli.client import System, system
from deploy.terminal import Terminal

imports = typer.Typer(no_args_is_help=True, help="Imports of decided cases.")
console = Terminal()

ImportId = Annotated[str, typer.Argument(help="as `caseloop imports list` names it")]
Reason = Annotated[str, typer.Option("--reason", help="recorded with your name", prompt=True)]


@imports.command("list")
def list_imports() -> None:
    """The newest imports, and which of them wait for a second person."""
    table = Table("import", "task", "file", "brought by", "confirmed by", "rows", "status")
    for each in system().get("dataset_accumulator", "/v1/imports"):
        table.add_row(
            *(each["import_id"], each["task"], each["name"], each["imported_by"]),
            *(each["confirmed_by"] or "", f"{each['accepted']} of {each['rows']}", each["status"]),
        )
    console.print(table)


@imports.command("show")
def show_import(import_id: ImportId) -> None:
    """One import: where it came from, what was refused, and what was made of it."""
    _print(system(), system().get("dataset_accumulator", _path(import_id)))


@imports.command("confirm")
def confirm_import(import_id: ImportId) -> None:
    """Let in what somebody else brought."""
    _print(system(), system().post("dataset_accumulator", f"{_path(import_id)}/confirm", {}))


@imports.command("recall")
def recall_import(import_id: ImportId, reason: Reason) -> None:
    """Take an import out: its labels are in no later dataset version."""
    path = f"{_path(import_id)}/recall"
    report = system().post("dataset_accumulator", path, {"reason": reason})
    _print(system(), report)
    if report["dataset_versions"]:
        console.print(
            f"The next version of {report['task']} is made without it: at its time, or now by "
            f"`caseloop release {report['task']}`. What was trained on it stays as it is: "
            "roll it back if it must not decide."
        )


def _print(reached: System, report: dict[str, Any]) -> None:
    for part in views.import_report(report, trained_on(reached, report)):
        console.print(part)


def trained_on(reached: System, report: dict[str, Any]) -> list[dict[str, Any]]:
    """The model versions whose dataset has labels of the import."""
    versions = report["dataset_versions"]
    if not versions:
        return []
    models = reached.get("promoter", "/v1/versions", task=report["task"])
    return [model for model in models if model["dataset_version"] in versions]


def _path(import_id: str) -> str:
    return f"/v1/imports/{quote(import_id, safe='')}"
