"""The dependency by which a route names its right. What it returns is the caller, so that no
handler learns who calls from anything else."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from shared.auth.permissions import PEOPLE_ONLY, PERMISSIONS, Right
from shared.auth.principal import Actor, Person, identify
from shared.errors import Forbidden, Unauthenticated

# Only for the OpenAPI documents: the caller is recognized by `identify`.
BEARER = HTTPBearer(auto_error=False, description="An API token, or a session's token")


class OneTimePassword(Forbidden):
    """The caller has signed in with a password that somebody else made."""


@dataclass(frozen=True)
class Requires:
    """The caller, if their role or a scope has the right; else `Unauthenticated`, `Forbidden`."""

    right: Right

    async def __call__(self, request: Request, _: Annotated[object, Security(BEARER)]) -> Actor:
        return await self.admit(request)

    async def admit(self, request: Request) -> Actor:
        actor = await identify(request)
        if actor is None:
            raise Unauthenticated("sign in, or send a known token")
        if not actor.may(self.right):
            raise Forbidden(_why_not(actor, self.right))
        if isinstance(actor, Person) and actor.one_time_password and self.right != "own_account":
            raise OneTimePassword("choose a password of your own first")
        return actor


@dataclass(frozen=True)
class RequiresPerson(Requires):
    """The same where only a person may: who decides, corrects, rules or is accountable by name."""

    async def __call__(self, request: Request, _: Annotated[object, Security(BEARER)]) -> Person:
        actor = await self.admit(request)
        if not isinstance(actor, Person):
            raise Forbidden("only people do this, who have signed in; you are a machine")
        return actor


def _why_not(actor: Actor, right: Right) -> str:
    wanted = " or ".join(sorted(PERMISSIONS[right]))
    if isinstance(actor, Person):
        return f"needs the role {wanted}; you are {actor.role}"
    if right in PEOPLE_ONLY:
        return f"needs a person who has signed in, as {wanted}; you are a machine"
    return f"needs {wanted}; you are a machine with {' and '.join(actor.scopes)}"
