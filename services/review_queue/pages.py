"""The web pages: sign in, review, overview of the queue. What they do, they do over the API."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.review_queue.access import (
    REVIEWERS,
    Anybody,
    Worker,
    actor_at,
    address_of,
)
from services.review_queue.account_routes import set_cookie
from services.review_queue.accounts import Accounts, LockedOut, WrongPassword
from services.review_queue.facts import heading
from services.review_queue.identity import COOKIE, refuse_foreign
from services.review_queue.line import Line
from services.review_queue.listing import Listing
from services.review_queue.overview import STATES, overview
from services.review_queue.views import case_view, words
from services.review_queue.views import waited as waited_for
from shared.auth import identify

_TEMPLATES = Path(__file__).parent / "templates"
_THEMES = frozenset({"light", "dark"})
Now = Callable[[], datetime]


class Pages:
    """Renders templates for a request: who is signed in, light or dark."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._environment.globals["reviewers"] = REVIEWERS
        self._environment.filters["waited"] = lambda since: waited_for(self.now() - since)
        self._environment.filters["words"] = words
        self._environment.filters["heading"] = heading

    def render(
        self, request: Request, template: str, *, status: int = 200, **context: Any
    ) -> HTMLResponse:
        theme = request.cookies.get("theme")
        html = self._environment.get_template(template).render(
            theme=theme if theme in _THEMES else "", path=request.url.path, **context
        )
        return HTMLResponse(html, status)


def page_routes(
    pages: Pages, accounts: Accounts, line: Line, listing: Listing, *, secure_cookies: bool
) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    async def sign_in_page(request: Request) -> Response:
        if await identify(request) is not None:
            return _to("/")
        return pages.render(request, "sign_in.html", principal=None, problem="", name="")

    @router.post("/sign-in")
    async def sign_in(
        request: Request, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
    ) -> Response:
        refuse_foreign(request)
        try:
            session = await accounts.sign_in(name, password, address=address_of(request))
        except (WrongPassword, LockedOut) as error:
            return pages.render(
                request,
                "sign_in.html",
                status=429 if isinstance(error, LockedOut) else 401,
                principal=None,
                problem=error.reason,
                name=name,
            )
        response = _to("/")
        set_cookie(response, session, secure=secure_cookies)
        return response

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        refuse_foreign(request)
        principal, token = await identify(request), request.cookies.get(COOKIE)
        if principal is not None and token is not None:
            await accounts.sign_out(token, by=actor_at(request, principal))
        response = _to("/sign-in")
        response.delete_cookie(COOKIE)
        return response

    @router.get("/")
    async def review(request: Request, caller: Anybody) -> Response:
        if caller.role not in REVIEWERS:
            return _to("/queue")
        return pages.render(request, "review.html", principal=caller)

    @router.get("/assignments/{assignment_id}")
    async def case(request: Request, assignment_id: UUID, caller: Worker) -> Response:
        """One leased case as a fragment of the review page."""
        assignment = await line.assignment(assignment_id, caller.name)
        return pages.render(request, "case.html", assignment=assignment, view=case_view(assignment))

    @router.get("/queue")
    async def queue(request: Request, caller: Anybody) -> Response:
        tasks = overview(await listing.counts())
        return pages.render(request, "queue.html", principal=caller, tasks=tasks, states=STATES)

    return router


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


def utc_now() -> datetime:
    return datetime.now(UTC)
