"""The headers that every response has, and what a page says when an engine is unavailable."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Request

from services.review_queue.app import create_app
from services.review_queue.settings import Settings
from shared.auth.principal import Person


async def test_every_response_forbids_what_is_not_ours() -> None:
    transport = httpx.ASGITransport(create_app(Settings()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://queue") as client:
        answers = [
            await client.get(path, headers={"Accept": "text/html"})
            for path in ("/sign-in", "/static/common/app.css", "/v1/queue", "/nowhere")
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 401, 404]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert [answer.headers["cache-control"] for answer in answers] == [
        "no-store",
        "no-cache",
        "no-store",
        "no-store",
    ]
    assert "There is no such page" in answers[3].text


async def flood() -> AsyncIterator[bytes]:
    """More than anybody has to say, without a word of how much it will be."""
    for _ in range(64):
        yield b"x" * 65_536


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/users", "/sign-in"])
async def test_no_stranger_fills_the_memory(path: str) -> None:
    kind = "json" if path.startswith("/v1/") else "x-www-form-urlencoded"
    transport = httpx.ASGITransport(create_app(Settings()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://queue") as client:
        headers = {"Content-Type": f"application/{kind}"}
        answer = await client.post(path, content=flood(), headers=headers)

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("role", "first"),
    [("adjudicator", "/"), ("senior", "/"), ("lead", "/queue"), ("auditor", "/queue")],
)
async def test_all_ways_to_the_start_lead_to_the_same_page(role: str, first: str) -> None:
    async def identify(_request: Request) -> Person:
        return Person("somebody", role, "here")

    app = create_app(Settings())
    app.state.identify = identify
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://queue", headers={"Accept": "text/html"}
    ) as client:
        signed_in = await client.get("/sign-in")
        lost = await client.get("/nowhere")

    assert signed_in.headers["location"] == first
    assert f'<a class="brand" href="{first}">' in lost.text
    assert f'href="{first}">To the start' in lost.text


@pytest.mark.parametrize("tls", [True, False])
async def test_behind_tls_browsers_stay_there(tls: bool) -> None:
    app = create_app(Settings(secure_cookies=tls))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://queue"
    ) as client:
        answer = await client.get("/sign-in")

    assert ("strict-transport-security" in answer.headers) is tls


async def test_a_page_that_needs_the_database_says_when_it_is_away() -> None:
    transport = httpx.ASGITransport(create_app(Settings()), raise_app_exceptions=False)
    cookies = {"caseloop_session": "session-x"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://queue", cookies=cookies
    ) as client:
        page = await client.get("/", headers={"Accept": "text/html"})
        api = await client.get("/v1/queue")

    assert (page.status_code, api.status_code) == (503, 503)
    assert "Back in a moment" in page.text
    assert api.json()["detail"] == "PostgreSQL is not connected yet"
    assert page.headers["retry-after"] == api.headers["retry-after"] == "2"
