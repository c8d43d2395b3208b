"""The tokens that services and scripts call with. Comparing them takes constant time."""

import hmac
from dataclasses import dataclass

from fastapi import Request

from shared.auth.permissions import ROLES
from shared.auth.principal import Principal
from shared.settings import ServiceSettings


@dataclass(frozen=True)
class ApiTokens:
    """API tokens, from `API_TOKENS`: comma-separated `name:role:token`."""

    known: tuple[tuple[str, Principal], ...]

    @classmethod
    def parse(cls, settings: ServiceSettings) -> "ApiTokens":
        entries = [e for e in settings.api_tokens.get_secret_value().split(",") if e.strip()]
        return cls(tuple(_entry(entry, number) for number, entry in enumerate(entries, start=1)))

    async def identify(self, request: Request) -> Principal | None:
        """The principal of the request's bearer token."""
        token = bearer_token(request)
        if token is None:
            return None
        owner = None
        for known, principal in self.known:  # all of them, so that the time reveals nothing
            if hmac.compare_digest(known.encode(), token.encode()):
                owner = principal
        return owner


def bearer_token(request: Request) -> str | None:
    """The bearer token: unlike a cookie or a password, no browser sends it by itself."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def _entry(text: str, number: int) -> tuple[str, Principal]:
    name, _, rest = text.strip().partition(":")
    role, _, token = rest.partition(":")
    if role not in ROLES or len(token) < 16:
        raise ValueError(
            f"API_TOKENS: entry {number} must be name:role:token, with a role of "
            f"{', '.join(ROLES)} and a token of at least 16 characters"
        )
    return token, Principal(name, role)
