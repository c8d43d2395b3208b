"""The pages besides the review itself, as somebody's browser gets them, without scripts."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape

import httpx
from fastapi import FastAPI, Request

from services.review_queue.agreement.ratings import Statistics
from services.review_queue.web.error_pages import translate
from services.review_queue.web.lead_pages import people_pages, queue_pages
from services.review_queue.web.my_pages import my_pages
from services.review_queue.web.pages import Pages
from services.review_queue.web.review_pages import review_pages
from shared.auth.principal import Principal
from tests.connected.review_queue.harness import (
    HOUR,
    Queue,
    actor,
)

Browse = Callable[[str], httpx.AsyncClient]


def browsing(queue: Queue) -> Browse:
    """A browser of somebody: who it is stands in a header, as no page can tell."""
    pages = Pages(lambda: datetime.now(UTC))
    statistics = Statistics(queue.database, correction=HOUR * 24)
    app = FastAPI()
    for router in (
        queue_pages(pages, queue.listing, queue.trail),
        review_pages(pages, queue.listing, queue.corrections, queue.notes, queue.trail),
        people_pages(pages, queue.reviewers, statistics),
        my_pages(pages, statistics, queue.corrections, queue.trail),
    ):
        app.include_router(router)
    translate(app, pages)
    app.state.identify = _by_header

    def browser(name: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://queue",
            headers={"Accept": "text/html", "X-Name": name},
        )

    return browser


async def _by_header(request: Request) -> Principal:
    name = request.headers["X-Name"]
    return Principal(name, actor(name).role)


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
