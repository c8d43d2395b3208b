"""What a refusal looks like: JSON for the API, a page for people."""

from collections.abc import Awaitable, Callable
from typing import cast

from fastapi import FastAPI, HTTPException, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from services.review_queue.people.access import Actor, actor_at
from services.review_queue.people.users import LockedOut, WrongPassword
from services.review_queue.reviewing.corrections import NotTheirs
from services.review_queue.reviewing.leasing import NotFound
from services.review_queue.web.navigation import to_sign_in
from services.review_queue.web.pages import Pages, posted
from shared.auth.principal import identify
from shared.errors import Conflict, Rejected, Transient

Answer = Callable[[Request, Exception], Awaitable[Response]]
_STATUS: dict[type[Rejected], int] = {
    Rejected: 422,
    Conflict: 409,
    WrongPassword: 401,
    NotTheirs: 403,
    NotFound: 404,
    LockedOut: 429,
}


def translate(app: FastAPI, pages: Pages) -> None:
    """Answer this service's own refusals, and those of pages in HTML."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Rejected)
        status = next(_STATUS[kind] for kind in type(error).mro() if kind in _STATUS)
        if _for_people(request):
            return await http_error(request, HTTPException(status, error.reason))
        return JSONResponse({"detail": error.reason, "field": error.field}, status)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        if not _for_people(request):
            return await http_exception_handler(request, error)
        if error.status_code == 401 and request.method == "GET":
            return to_sign_in(request)
        page = pages.render(
            request,
            "problem.html",
            status=error.status_code,
            principal=await _caller(request),
            code=error.status_code,
            detail=error.detail,
            posted=await _written(request),
        )
        page.headers.update(error.headers or {})
        return page

    async def away(request: Request, error: Exception) -> Response:
        answer = HTTPException(503, str(error), headers={"Retry-After": "2"})
        return await http_error(request, answer)

    in_json = cast(Answer, app.exception_handlers[RequestValidationError])

    async def invalid(request: Request, error: Exception) -> Response:
        if _for_people(request):
            return await http_error(request, HTTPException(404))
        return await in_json(request, error)

    for kind in _STATUS:
        app.add_exception_handler(kind, refused)
    app.add_exception_handler(StarletteHTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Transient, away)


async def _caller(request: Request) -> Actor | None:
    """Who is offered their pages beside the refusal, if that can be said."""
    try:
        principal = await identify(request)
    except (Transient, HTTPException):
        return None
    return actor_at(request, principal) if principal else None


async def _written(request: Request) -> dict[str, str]:
    """What somebody has written into a form, so that a refusal does not lose it."""
    kind = request.headers.get("content-type", "")
    if request.method != "POST" or not kind.startswith("application/x-www-form-urlencoded"):
        return {}
    if request.url.path == "/sign-in":  # a password is not shown
        return {}
    try:
        return await posted(request)
    except (HTTPException, ClientDisconnect):
        return {}


def _for_people(request: Request) -> bool:
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get(
        "accept", ""
    )
