"""The tokens that machines call with. Comparing them takes constant time."""

import hmac
from dataclasses import dataclass
from typing import cast

from fastapi import Request

from shared.auth.permissions import SCOPES, Scope
from shared.auth.principal import Machine, address_of
from shared.settings import ServiceSettings


@dataclass(frozen=True)
class ApiToken:
    """A machine's token: one name, and what it is for."""

    name: str
    scopes: tuple[Scope, ...]
    token: str


@dataclass(frozen=True)
class ApiTokens:
    """API tokens, from `API_TOKENS`: comma-separated `name:scope+scope:token`."""

    known: tuple[ApiToken, ...]

    @classmethod
    def parse(cls, settings: ServiceSettings) -> "ApiTokens":
        return cls(parse_tokens(settings.api_tokens.get_secret_value()))

    async def identify(self, request: Request) -> Machine | None:
        """The machine whose token the request bears."""
        token = bearer_token(request)
        if token is None:
            return None
        owner = None
        for known in self.known:  # all of them, so that the time reveals nothing
            if hmac.compare_digest(known.token.encode(), token.encode()):
                owner = Machine(known.name, known.scopes, address_of(request))
        return owner


def bearer_token(request: Request) -> str | None:
    """The bearer token: unlike a cookie or a password, no browser sends it by itself."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def parse_tokens(text: str) -> tuple[ApiToken, ...]:
    """`ValueError` names the entry that means nothing, and never repeats it."""
    entries = [entry for entry in text.split(",") if entry.strip()]
    return tuple(_entry(entry, number) for number, entry in enumerate(entries, start=1))


def _entry(text: str, number: int) -> ApiToken:
    name, _, rest = text.strip().partition(":")
    listed, _, token = rest.partition(":")
    scopes = listed.split("+")
    if not set(scopes) <= set(SCOPES) or len(token) < 16:
        raise ValueError(
            f"API_TOKENS: entry {number} must be name:scope+scope:token, with scopes of "
            f"{', '.join(SCOPES)} and a token of at least 16 characters"
        )
    return ApiToken(name, cast("tuple[Scope, ...]", tuple(scopes)), token)
