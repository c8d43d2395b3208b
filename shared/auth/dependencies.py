"""The dependency by which a route names its right. What it returns is the caller, so that no
handler learns who calls from anything else."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import HTTPException, Request, Security
from fastapi.security import HTTPBearer

from shared.auth.permissions import PERMISSIONS, Right
from shared.auth.principal import Actor, actor_at, identify
from shared.errors import Forbidden

# Only for the OpenAPI documents: the caller is recognized by `identify`.
BEARER = HTTPBearer(auto_error=False, description="An API token, or a session's token")


@dataclass(frozen=True)
class Requires:
    """The caller, if their role has the right; else 401 or `Forbidden`."""

    right: Right

    async def __call__(self, request: Request, _: Annotated[object, Security(BEARER)]) -> Actor:
        principal = await identify(request)
        if principal is None:
            raise HTTPException(
                401, "sign in, or send a known token", headers={"WWW-Authenticate": "Bearer"}
            )
        roles = PERMISSIONS[self.right]
        if principal.role not in roles:
            wanted = " or ".join(roles)
            raise Forbidden(f"needs the role {wanted}; you are {principal.role}")
        return actor_at(request, principal)
