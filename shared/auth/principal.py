"""Who is calling. "Who" is always the principal identified here, never a field of a request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request

from shared.auth.permissions import PERMISSIONS, SENIORS, Right


@dataclass(frozen=True)
class Principal:
    """Somebody who may call: a user by session, a service or script by token."""

    name: str
    role: str


@dataclass(frozen=True)
class Actor:
    """A principal at an address: the network's word for it, never the request's."""

    name: str
    role: str
    address: str

    @property
    def senior(self) -> bool:
        """May have the final word in a dispute."""
        return self.role in SENIORS

    def may(self, right: Right) -> bool:
        return self.role in PERMISSIONS[right]


Identify = Callable[[Request], Awaitable[Principal | None]]


async def identify(request: Request) -> Principal | None:
    """The principal of a request, by the service's own way of recognizing callers."""
    recognize: Identify = request.app.state.identify
    return await recognize(request)


def actor_at(request: Request, principal: Principal) -> Actor:
    return Actor(principal.name, principal.role, address_of(request))


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"
