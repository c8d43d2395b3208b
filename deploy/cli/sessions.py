"""Signing in from a terminal: what is done then is recorded under one's own name.

The session lies in the system's home, readable by nobody else, until it is over.
"""

import secrets
from typing import Annotated, Any

import httpx
import typer

from deploy.cli.client import SESSION, Refused, System, Unreachable, environment
from deploy.embedded.layout import Layout, default_home
from deploy.embedded.settings import OPERATOR
from deploy.terminal import Terminal

console = Terminal()


def sign_in(
    name: Annotated[str, typer.Argument(help="who you are")] = OPERATOR,
    password: Annotated[str, typer.Option(help="asked for if left out")] = "",
) -> None:
    """Act under your own name: for users, and for what no machine may do."""
    system = System(environment())
    password = password or _known_password(system, name)
    password = password or typer.prompt("Password", hide_input=True)
    session = _post(system, "/v1/sessions", {"name": name, "password": password})
    if session["one_time_password"]:
        _choose_password(system, session, password)
    _keep(session["token"])
    console.print(f"signed in as {session['name']}, {session['role']}")


def sign_out() -> None:
    """End the session, here and at the services."""
    system, file = System(environment()), Layout(default_home()).session_file
    token = system.settings.get(SESSION)
    file.unlink(missing_ok=True)
    if token:
        httpx.delete(f"{system.url('review_queue')}/v1/sessions", headers=_bearer(token))
    console.print("signed out")


def _known_password(system: System, name: str) -> str:
    """Of the user that the embedded system was made with."""
    users = system.settings.get("REVIEW_QUEUE_BOOTSTRAP_USERS", "").split(",")
    known = {user: password for user, _, password in (each.split(":", 2) for each in users if each)}
    return known.get(name, "")


def _choose_password(system: System, session: dict[str, Any], current: str) -> None:
    console.print("This password was made by somebody else, for one sign-in. Choose your own.")
    new = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    change = {"current": current, "password": new}
    _post(system, "/v1/password", change, token=session["token"])


def _post(system: System, path: str, content: dict[str, str], *, token: str = "") -> Any:
    url = system.url("review_queue")
    try:
        answer = httpx.post(f"{url}{path}", json=content, headers=_bearer(token) if token else None)
    except httpx.TransportError as error:
        raise Unreachable(f"review_queue does not answer at {url}; is it up?") from error
    if answer.is_error:
        raise Refused(answer)
    return answer.json() if answer.content else None


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _keep(token: str) -> None:
    file = Layout(default_home()).session_file
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"session.{secrets.token_hex(4)}")
    temporary.touch(mode=0o600)
    temporary.write_text(token)
    temporary.replace(file)
