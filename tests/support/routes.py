"""Every route of an application, with the right that it names."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from shared.auth.dependencies import Requires
from shared.auth.permissions import PERMISSIONS, PUBLIC_ROUTES, Role, Route, Scope


def required(app: FastAPI) -> dict[Route, list[Requires]]:
    """What each route requires, wherever it was included from; static files are no routes."""
    return {
        (method, context.path): list(_requirements(getattr(context, "dependant", None)))
        for context in iter_route_contexts(app.routes)
        if context.path is not None
        for method in context.methods or ()
        if method != "HEAD"
    }


def _requirements(dependant: Dependant | None) -> Iterator[Requires]:
    for each in dependant.dependencies if dependant else ():
        if isinstance(each.call, Requires):
            yield each.call
        yield from _requirements(each)


def allowed(app: FastAPI) -> dict[Route, frozenset[Role | Scope]]:
    """Of each route that is not public, the roles and scopes that the table lets in."""
    return {
        route: PERMISSIONS[each.right]
        for route, requirements in required(app).items()
        for each in requirements
    }


def public(app: FastAPI) -> list[Route]:
    return sorted(set(required(app)) & PUBLIC_ROUTES)
