"""What a refusal looks like: JSON for the API, a page for people."""

from fastapi import FastAPI, HTTPException, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from services.review_queue.accounts import LockedOut, WrongPassword
from services.review_queue.pages import Pages
from services.review_queue.corrections import NotTheirs
from services.review_queue.line import NotFound
from shared.errors import Rejected, Transient

_STATUS: dict[type[Rejected], int] = {
    WrongPassword: 401,
    NotTheirs: 403,
    NotFound: 404,
    LockedOut: 429,
}


def translate(app: FastAPI, pages: Pages) -> None:
    """Answer this service's own refusals, and those of pages in HTML."""

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Rejected)
        return JSONResponse({"detail": error.reason, "field": error.field}, _STATUS[type(error)])

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        if not _for_people(request):
            return await http_exception_handler(request, error)
        if error.status_code == 401 and request.method == "GET":
            return RedirectResponse("/sign-in", 303)
        page = pages.render(
            request,
            "problem.html",
            status=error.status_code,
            principal=None,
            code=error.status_code,
            detail=error.detail,
        )
        page.headers.update(error.headers or {})
        return page

    async def away(request: Request, error: Exception) -> Response:
        answer = HTTPException(503, str(error), headers={"Retry-After": "2"})
        return await http_error(request, answer)

    for kind in _STATUS:
        app.add_exception_handler(kind, refused)
    app.add_exception_handler(StarletteHTTPException, http_error)
    app.add_exception_handler(Transient, away)


def _for_people(request: Request) -> bool:
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get(
        "accept", ""
    )
