"""The pages besides the review itself, as somebody's browser gets them, without scripts."""

import re
from collections.abc import Callable
from html import unescape

import httpx
from fastapi import FastAPI, Request

from services.review_queue.agreement.ratings import Statistics
from services.review_queue.api.state import QueueState
from services.review_queue.reading.member_history import MemberHistory
from services.review_queue.web import my_pages, people_pages, queue_pages, review_pages
from services.review_queue.web.error_pages import translate
from services.review_queue.web.pages import Pages, utc_now
from shared.auth.principal import Person
from tests.connected.review_queue.harness import (
    HOUR,
    Queue,
    actor,
)

Browse = Callable[[str], httpx.AsyncClient]


def browsing(queue: Queue) -> Browse:
    """A browser of somebody: who it is stands in a header, as no page can tell."""
    app = FastAPI()
    for name, part in {**vars(_state(queue)), "pages": Pages(utc_now)}.items():
        setattr(app.state, name, part)
    for module in (queue_pages, review_pages, people_pages, my_pages):
        app.include_router(module.router)
    translate(app)
    app.state.identify = _by_header

    def browser(name: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://queue",
            headers={"Accept": "text/html", "X-Name": name},
        )

    return browser


def _state(queue: Queue) -> QueueState:
    return QueueState(
        leasing=queue.leasing,
        assignments=queue.assignments,
        corrections=queue.corrections,
        notes=queue.notes,
        history=MemberHistory(queue.database),
        listing=queue.listing,
        statistics=Statistics(queue.database, correction=HOUR * 24),
        reviewers=queue.reviewers,
        accounts=queue.accounts,
        trail=queue.trail,
        clock=utc_now,
    )


async def _by_header(request: Request) -> Person:
    name = request.headers["X-Name"]
    return actor(name)


async def page(browse: Browse, name: str, path: str, status: int = 200) -> str:
    """What somebody sees at a path."""
    async with browse(name) as client:
        answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert "text/html" in answer.headers["content-type"]
    return answer.text


async def sent(
    browse: Browse, name: str, path: str, status: int = 303, **fields: str
) -> httpx.Response:
    async with browse(name) as client:
        answer = await client.post(path, data=fields)
    assert answer.status_code == status, answer.text
    return answer


def text_of(html: str) -> str:
    """What is read on a page, without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def names_in(html: str) -> list[str]:
    return re.findall(r'<a href="/reviews/[^"]+">claim-([^<]+)</a>', html)


def link_of(html: str, words: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*>[^<]*{words}', html)
    assert found, words
    return unescape(found[1])
