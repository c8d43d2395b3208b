"""Whoever opens a page without having signed in is shown where to, and comes back to it."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx

from services.review_queue.app import create_app
from services.review_queue.settings import Settings
from tests.support.routes import allowed

PAGE = {"Accept": "text/html"}
ID = "00000000-0000-0000-0000-000000000001"


async def test_people_are_shown_where_to_sign_in() -> None:
    app = create_app(Settings())
    pages = [
        path for method, path in allowed(app) if method == "GET" and not path.startswith("/v1/")
    ]
    assert {"/", "/queue"} <= set(pages)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://queue") as client:
        for path in pages:
            answer = await client.get(re.sub(r"{\w+}", ID, path), headers=PAGE)

            where = urlsplit(answer.headers["location"])
            assert (answer.status_code, where.path) == (303, "/sign-in"), path
            back = parse_qs(where.query).get("back", ["/"])[0]
            assert re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), back), path
