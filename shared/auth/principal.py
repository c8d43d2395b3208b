"""Who is calling. "Who" is always the principal found here, never a field of a request."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import HTTPException, Request, Security
from fastapi.security import HTTPBearer

from shared.settings import ServiceSettings

ROLES = ("adjudicator", "senior", "lead", "operator", "auditor", "service")


@dataclass(frozen=True)
class Principal:
    """Somebody who may call: a user by session, a service or script by token."""

    name: str
    role: str


Identify = Callable[[Request], Awaitable[Principal | None]]


@dataclass(frozen=True)
class Tokens:
    """API tokens, from `API_TOKENS`: comma-separated `name:role:token`."""

    known: tuple[tuple[str, Principal], ...]

    @classmethod
    def parse(cls, settings: ServiceSettings) -> "Tokens":
        entries = [e for e in settings.api_tokens.get_secret_value().split(",") if e.strip()]
        return cls(tuple(_entry(entry, number) for number, entry in enumerate(entries, start=1)))

    async def identify(self, request: Request) -> Principal | None:
        """The principal of the request's bearer token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = None
        for known, principal in self.known:  # all of them, so that the time tells nothing
            if hmac.compare_digest(known.encode(), token.encode()):
                found = principal
        return found


def _entry(text: str, number: int) -> tuple[str, Principal]:
    name, _, rest = text.strip().partition(":")
    role, _, token = rest.partition(":")
    if role not in ROLES or len(token) < 16:
        raise ValueError(
            f"API_TOKENS: entry {number} must be name:role:token, with a role of "
            f"{', '.join(ROLES)} and a token of at least 16 characters"
        )
    return token, Principal(name, role)


# Only for the OpenAPI documents: the caller is found by `identify`.
BEARER = HTTPBearer(auto_error=False, description="An API token, or a session's token")


def allow(*roles: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency: the caller, if its role is one of `roles`; else 401 or 403."""

    async def caller(request: Request, _: Annotated[object, Security(BEARER)]) -> Principal:
        principal = await identify(request)
        if principal is None:
            raise HTTPException(
                401, "sign in, or send a known token", headers={"WWW-Authenticate": "Bearer"}
            )
        if principal.role not in roles:
            raise HTTPException(403, f"needs the role {_one_of(roles)}; you are {principal.role}")
        return principal

    return caller


async def identify(request: Request) -> Principal | None:
    """Ask the service's own way of recognizing callers."""
    way: Identify = request.app.state.identify
    return await way(request)


def _one_of(roles: Sequence[str]) -> str:
    return " or ".join(roles)
