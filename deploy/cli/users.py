"""The commands about who may sign in to the review queue."""

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from deploy.cli.client import system
from deploy.terminal import Terminal
from shared.auth.permissions import ROLES

users = typer.Typer(no_args_is_help=True, help="Who may sign in to the review queue.")
console = Terminal()

Name = Annotated[str, typer.Argument(help="as it is typed at sign-in")]
Role = Annotated[str, typer.Argument(help=", ".join(ROLES))]


@users.command("list")
def list_users() -> None:
    """Everyone who can sign in, or once could."""
    table = Table("name", "role", "")
    for user in system().get("review_queue", "/v1/users"):
        table.add_row(user["name"], user["role"], ", ".join(_remarks(user)))
    console.print(table)


@users.command("add")
def add_user(name: Name, role: Role) -> None:
    """Let somebody sign in, once, with a password that they then replace by their own."""
    user = system().post("review_queue", "/v1/users", {"name": name, "role": role})
    console.print(f"{user['name']} can sign in as {user['role']}")
    _print_password(user["one_time_password"])


@users.command("disable")
def disable_user(name: Name) -> None:
    """Keep somebody from signing in. Open sessions end at once; their decisions stay."""
    _change_user(name, {"active": False})
    console.print(f"{name} is disabled")


@users.command("enable")
def enable_user(name: Name) -> None:
    """Let somebody who was disabled sign in again."""
    _change_user(name, {"active": True})
    console.print(f"{name} can sign in again")


@users.command("reset-password")
def reset_password(name: Name) -> None:
    """For who has forgotten theirs: a new one for one sign-in. Open sessions end at once."""
    path = f"/v1/users/{quote(name, safe='')}/password-reset"
    reset = system().post("review_queue", path, {})
    console.print(f"{reset['name']} has a new password")
    _print_password(reset["one_time_password"])
    if reset["paused"]:
        console.print(f"{name} gets no case until a lead has resumed them")


def _change_user(name: str, change: dict[str, Any]) -> None:
    system().patch("review_queue", f"/v1/users/{quote(name, safe='')}", change)


def _remarks(user: dict[str, Any]) -> list[str]:
    remarks = {
        "disabled": not user["active"],
        "simulated": user["simulated"],
        "has a one-time password": user["one_time_password"],
    }
    return [remark for remark, holds in remarks.items() if holds]


def _print_password(password: str) -> None:
    console.print(f"one-time password: {password}", highlight=False, soft_wrap=True)
