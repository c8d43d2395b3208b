"""The dependency by which a route names its right. What it returns is the caller, so that no
handler learns who calls from anything else."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from shared.auth.permissions import PERMISSIONS, Right
from shared.auth.principal import Actor, actor_at, identify
from shared.errors import Forbidden, Unauthenticated

# Only for the OpenAPI documents: the caller is recognized by `identify`.
BEARER = HTTPBearer(auto_error=False, description="An API token, or a session's token")


@dataclass(frozen=True)
class Requires:
    """The caller, if their role has the right; else `Unauthenticated` or `Forbidden`."""

    right: Right

    async def __call__(self, request: Request, _: Annotated[object, Security(BEARER)]) -> Actor:
        principal = await identify(request)
        if principal is None:
            raise Unauthenticated("sign in, or send a known token")
        roles = PERMISSIONS[self.right]
        if principal.role not in roles:
            wanted = " or ".join(roles)
            raise Forbidden(f"needs the role {wanted}; you are {principal.role}")
        return actor_at(request, principal)
