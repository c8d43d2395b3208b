"""The commands about who may sign in to the review queue."""

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from deploy.cli.client import system
from deploy.terminal import Terminal
from shared.auth.permissions import USER_ROLES

users = typer.Typer(no_args_is_help=True, help="Who may sign in to the review queue.")
console = Terminal()

Name = Annotated[str, typer.Argument(help="as it is typed at sign-in")]
Role = Annotated[str, typer.Argument(help=", ".join(USER_ROLES))]
Password = Annotated[
    str,
    typer.Option(
        help="asked for if left out", prompt=True, hide_input=True, confirmation_prompt=True
    ),
]


@users.command("list")
def list_users() -> None:
    """Everyone who can sign in, or once could."""
    table = Table("name", "role", "")
    for user in system().get("review_queue", "/v1/users"):
        table.add_row(user["name"], user["role"], "" if user["active"] else "disabled")
    console.print(table)


@users.command("add")
def add_user(name: Name, role: Role, password: Password) -> None:
    """Let somebody sign in."""
    user = system().post(
        "review_queue", "/v1/users", {"name": name, "role": role, "password": password}
    )
    console.print(f"{user['name']} can sign in as {user['role']}")


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


@users.command("password")
def set_password(name: Name, password: Password) -> None:
    """Set a new password; open sessions end at once."""
    _change_user(name, {"password": password})
    console.print(f"{name} has a new password")


def _change_user(name: str, change: dict[str, Any]) -> None:
    system().patch("review_queue", f"/v1/users/{quote(name, safe='')}", change)
