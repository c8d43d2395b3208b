"""Which role may do what: one table, from which every route and page takes its own line.

A test walks all routes and refuses one that names no line, and tries every role on every route.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request, Security

from shared.auth.principal import BEARER, ROLES, Principal, allow

Right = Literal[
    "work",  # lease cases, decide them, correct one's own decisions
    "see_counts",
    "see_reviews",  # those of one's own, masked, or all: `visibility.py`
    "list_reviews",  # without what is in them
    "read_cases",  # with member data, and what others said of them
    "read_statistics",  # of labels and reviewers, without member data
    "manage_reviewers",
    "manage_users",
    "read_audit",
    "sign_out",
]

REVIEWERS = ("adjudicator", "senior", "lead")
SENIORS = ("senior", "lead")  # who has the final word in a dispute

ACCESS: Mapping[Right, tuple[str, ...]] = {
    "work": REVIEWERS,
    "see_counts": ROLES,
    "see_reviews": (*REVIEWERS, "auditor", "service"),
    "list_reviews": ("senior", "lead", "auditor", "service"),
    "read_cases": ("senior", "lead", "service"),
    "read_statistics": ("lead", "auditor", "service"),
    "manage_reviewers": ("lead",),
    "manage_users": ("operator",),
    "read_audit": ("auditor",),
    "sign_out": ROLES,
}
# What needs nobody: signing in, and what every service of the system shows.
PUBLIC = frozenset(
    {
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("POST", "/v1/sessions"),
        ("POST", "/sign-out"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/asyncapi.json"),
    }
)


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
        return self.role in ACCESS[right]


def actor_at(request: Request, principal: Principal) -> Actor:
    return Actor(principal.name, principal.role, address_of(request))


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


@dataclass(frozen=True)
class May:
    """A dependency: the caller, if his role has the right; else 401 or 403."""

    right: Right
    check: Callable[..., Awaitable[Principal]]

    async def __call__(
        self, request: Request, bearer: Annotated[object, Security(BEARER)]
    ) -> Actor:
        return actor_at(request, await self.check(request, bearer))


def may(right: Right) -> May:
    return May(right, allow(*ACCESS[right]))


Worker = Annotated[Actor, Depends(may("work"))]
Anybody = Annotated[Actor, Depends(may("see_counts"))]
Reader = Annotated[Actor, Depends(may("see_reviews"))]
Lister = Annotated[Actor, Depends(may("list_reviews"))]
Analyst = Annotated[Actor, Depends(may("read_statistics"))]
Manager = Annotated[Actor, Depends(may("manage_reviewers"))]
Operator = Annotated[Actor, Depends(may("manage_users"))]
Auditor = Annotated[Actor, Depends(may("read_audit"))]
SignedIn = Annotated[Actor, Depends(may("sign_out"))]
