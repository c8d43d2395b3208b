"""Every route of a review queue's application, with what guards it."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from services.review_queue.people.access import ACCESS, PUBLIC, May

Route = tuple[str, str]  # method and path


def guards(app: FastAPI) -> dict[Route, list[May]]:
    """The guards of each route, wherever it was included from; static files are no routes."""
    return {
        (method, context.path): list(_guards(getattr(context, "dependant", None)))
        for context in iter_route_contexts(app.routes)
        if context.path is not None
        for method in context.methods or ()
        if method != "HEAD"
    }


def _guards(dependant: Dependant | None) -> Iterator[May]:
    for each in dependant.dependencies if dependant else ():
        if isinstance(each.call, May):
            yield each.call
        yield from _guards(each)


def allowed(app: FastAPI) -> dict[Route, tuple[str, ...]]:
    """Of each route that is not public, the roles that the table lets in."""
    return {route: ACCESS[may.right] for route, found in guards(app).items() for may in found}


def public(app: FastAPI) -> list[Route]:
    return sorted(set(guards(app)) & PUBLIC)
