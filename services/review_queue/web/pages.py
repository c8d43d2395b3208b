"""What all pages have in common: templates, and who is signed in."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.review_queue.agreement.report import ENOUGH_REVIEWS
from services.review_queue.web.navigation import links, start
from services.review_queue.web.views.case_facts import heading
from services.review_queue.web.views.case_view import spoken, titled, tone_of, words
from services.review_queue.web.views.time_format import ago, duration, exactly, since, waited
from shared.http.state import FromState

_TEMPLATES = Path(__file__).parent / "templates"
_THEMES = frozenset({"light", "dark"})
Clock = Callable[[], datetime]


class Pages:
    """Renders templates for a request: who is signed in, light or dark."""

    def __init__(self, now: Clock) -> None:
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


PagesDep = Annotated[Pages, Depends(FromState("pages"))]


async def posted(request: Request) -> dict[str, str]:
    """What was written into a form, by field."""
    return {name: str(value) for name, value in (await request.form()).items()}


def utc_now() -> datetime:
    return datetime.now(UTC)
