"""What all pages have in common, and those of signing in and out."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.review_queue.agreement.report import ENOUGH_REVIEWS
from services.review_queue.api.account_routes import set_cookie
from services.review_queue.people.identity import COOKIE, refuse_foreign
from services.review_queue.people.users import Accounts, LockedOut, WrongPassword
from services.review_queue.web.case_facts import heading
from services.review_queue.web.case_view import spoken, titled, tone_of, words
from services.review_queue.web.navigation import links, start
from services.review_queue.web.time_format import ago, duration, exactly, since, waited
from shared.auth.principal import actor_at, address_of, identify

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
        self._environment.globals |= {
            "enough": ENOUGH_REVIEWS,
            "links": links,
            "start": start,
            "titled": titled,
            "tone": tone_of,
        }
        self._environment.filters |= self._filters()

    def _filters(self) -> dict[str, Callable[..., str]]:
        return {
            "waited": lambda at: waited(self.now() - at),
            "ago": lambda at: ago(at, now=self.now()),
            "exactly": exactly,
            "since": lambda at: since(at, now=self.now()),
            "duration": duration,
            "words": words,
            "heading": heading,
            "spoken": spoken,
        }

    def render(
        self, request: Request, template: str, *, status: int = 200, **context: Any
    ) -> HTMLResponse:
        theme = request.cookies.get("theme")
        html = self._environment.get_template(template).render(
            theme=theme if theme in _THEMES else "", path=request.url.path, **context
        )
        return HTMLResponse(html, status)


def sign_in_pages(pages: Pages, accounts: Accounts, *, secure_cookies: bool) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    async def sign_in_page(request: Request, back: str = "") -> Response:
        if (principal := await identify(request)) is not None:
            return _to(_within(back) or start(actor_at(request, principal)))
        return pages.render(request, "sign_in.html", principal=None, problem="", name="", back=back)

    @router.post("/sign-in")
    async def sign_in(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        back: Annotated[str, Form()] = "",
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
                back=back,
            )
        response = _to(_within(back) or start(actor_at(request, session.principal)))
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

    return router


async def posted(request: Request) -> dict[str, str]:
    """What was written into a form, by field."""
    return {name: str(value) for name, value in (await request.form()).items()}


def to_sign_in(request: Request) -> RedirectResponse:
    """And from there back to where somebody wanted to go."""
    back = _within(f"{request.url.path}?{request.url.query}".rstrip("?"))
    return _to(f"/sign-in?{urlencode({'back': back})}" if back else "/sign-in")


def _within(address: str) -> str:
    """The address if it is one of our own pages other than the first, else nothing."""
    parts = urlsplit(address)
    own = address.startswith("/") and not (parts.scheme or parts.netloc or "\\" in address)
    return address if own and parts.path != "/" else ""


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


def utc_now() -> datetime:
    return datetime.now(UTC)
