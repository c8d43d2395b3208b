"""What a refusal looks like: JSON for the API, a page for people."""

from fastapi import FastAPI, HTTPException, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from services.review_queue.web.navigation import PASSWORD_PAGE, see_other, to_sign_in
from services.review_queue.web.pages import Pages, posted
from shared.auth.dependencies import OneTimePassword
from shared.auth.principal import Actor, identify
from shared.errors import Forbidden, Rejected, Transient
from shared.http.errors import RETRY, answer_invalid, answer_rejected, answer_unavailable, status_of


def translate(app: FastAPI) -> None:
    """Answer people in HTML; scripts get what every service answers."""
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(Rejected, _rejected)
    app.add_exception_handler(Transient, _unavailable)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    if not _for_people(request):
        return await http_exception_handler(request, error)
    if error.status_code == 401 and request.method == "GET":
        return to_sign_in(request)
    pages: Pages = request.app.state.pages
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


async def _rejected(request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejected)
    if isinstance(error, OneTimePassword) and _for_people(request):
        return see_other(PASSWORD_PAGE)
    if _for_people(request):
        return await _http_error(request, HTTPException(status_of(error), error.reason))
    return await answer_rejected(request, error)


async def _unavailable(request: Request, error: Exception) -> Response:
    if _for_people(request):
        problem = HTTPException(status_of(error), str(error), headers=RETRY)
        return await _http_error(request, problem)
    return await answer_unavailable(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    if _for_people(request):
        return await _http_error(request, HTTPException(404))
    return await answer_invalid(request, error)


async def _caller(request: Request) -> Actor | None:
    """Who is offered their pages beside the refusal, if that can be said."""
    try:
        return await identify(request)
    except (Transient, Forbidden):
        return None


async def _written(request: Request) -> dict[str, str]:
    """What somebody has written into a form, so that a refusal does not lose it."""
    kind = request.headers.get("content-type", "")
    if request.method != "POST" or not kind.startswith("application/x-www-form-urlencoded"):
        return {}
    if request.url.path in {"/sign-in", PASSWORD_PAGE}:  # a password is not shown
        return {}
    try:
        return await posted(request)
    except (Rejected, HTTPException, ClientDisconnect):
        return {}


def _for_people(request: Request) -> bool:
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get(
        "accept", ""
    )
