"""Who is calling. "Who" is always the principal identified here, never a field of a request.

People sign in; machines have tokens. They are different types, because only a person decides.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from fastapi import Request

from shared.auth.permissions import PERMISSIONS, SENIORS, Right, Scope


@dataclass(frozen=True)
class Person:
    """Somebody who has signed in, at an address: the network's word for it, never the request's.

    `one_time_password`: they have signed in with one, and may do nothing but choose their own.
    """

    name: str
    role: str
    address: str
    one_time_password: bool = False

    @property
    def senior(self) -> bool:
        """May have the final word in a dispute."""
        return self.role in SENIORS

    @property
    def signature(self) -> str:
        """The name that what they do is recorded under."""
        return self.name

    def may(self, right: Right) -> bool:
        return self.role in PERMISSIONS[right]


@dataclass(frozen=True)
class Machine:
    """A service or script with a token: it submits, reads and orders, and decides no case."""

    name: str
    scopes: tuple[Scope, ...]
    address: str

    @property
    def role(self) -> str:
        """What stands where a person's role would."""
        return "machine"

    @property
    def signature(self) -> str:
        return f"{self.name} (machine)"

    def may(self, right: Right) -> bool:
        return not PERMISSIONS[right].isdisjoint(self.scopes)


Actor: TypeAlias = Person | Machine
Identify = Callable[[Request], Awaitable[Actor | None]]


async def identify(request: Request) -> Actor | None:
    """Whoever sends a request, by the service's own way of recognizing callers."""
    recognize: Identify = request.app.state.identify
    return await recognize(request)


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"
