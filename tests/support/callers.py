"""Callers of services in tests: a machine for each scope, and people of any name and role."""

import hashlib
from collections.abc import Mapping

import httpx
from fastapi import FastAPI, Request

from deploy.cli.client import System
from shared.auth.permissions import SCOPES, Scope
from shared.auth.principal import Actor, Identify, Person, address_of
from shared.auth.tokens import bearer_token
from shared.storage.database import Connection

_WORD = "the-word-of"


def token_for(scope: Scope) -> str:
    return f"the-token-to-{scope}"


# As `API_TOKENS` has them: a machine of its own for each scope.
TOKENS = ",".join(f"a-{scope}:{scope}:{token_for(scope)}" for scope in SCOPES)


def as_machine(scope: Scope) -> dict[str, str]:
    """The headers of the machine that has this scope and no other."""
    return {"Authorization": f"Bearer {token_for(scope)}"}


def as_person(role: str, *, name: str = "") -> dict[str, str]:
    """The headers of somebody whom `take_at_their_word` lets in."""
    return {"Authorization": f"Bearer {_WORD} {name or f'a-{role}'} {role}"}


def take_at_their_word(app: FastAPI) -> None:
    """People need no session here: there is no review queue to ask."""
    recognize: Identify = app.state.identify

    async def identify(request: Request) -> Actor | None:
        word, _, person = (bearer_token(request) or "").partition(" ")
        if word == _WORD:
            name, role = person.split()
            return Person(name, role, address_of(request))
        return await recognize(request)

    app.state.identify = identify


def session_of(name: str) -> str:
    """The token of the session that `sign_in_all` opens."""
    return f"session-of-{name}"


async def sign_in_all(connection: Connection, roles: Mapping[str, str]) -> None:
    """Open a session for each of these people, faster than their passwords could be checked."""
    await connection.executemany(
        "INSERT INTO review_queue.users (name, role, password_hash, created_by) "
        "VALUES ($1, $2, 'none', 'a test') ON CONFLICT DO NOTHING",
        list(roles.items()),
    )
    await connection.executemany(
        "INSERT INTO review_queue.sessions (token_sha256, name, expires_at) "
        "VALUES ($1, $2, now() + interval '1 day') ON CONFLICT DO NOTHING",
        [(hashlib.sha256(session_of(name).encode()).digest(), name) for name in roles],
    )


def operator_of(system: System) -> dict[str, str]:
    """The headers of a system's own operator, signed in."""
    users = system.settings["REVIEW_QUEUE_BOOTSTRAP_USERS"].split(",")
    (name, password) = next((n, p) for n, r, p in (u.split(":") for u in users) if r == "operator")
    answer = httpx.post(
        f"{system.url('review_queue')}/v1/sessions", json={"name": name, "password": password}
    )
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['token']}"}
