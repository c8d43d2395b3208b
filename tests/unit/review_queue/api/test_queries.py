"""A list is asked for in the same way over the API and by a page: what one refuses, both do."""

from collections.abc import AsyncIterator

import httpx
import pytest

from services.review_queue.api.queries import (
    AgreementQuery,
    AuditQuery,
    BrowsedSeatsQuery,
    Query,
    WorkQuery,
)
from services.review_queue.app import create_app
from services.review_queue.settings import Settings
from services.review_queue.web.page_queries import read
from tests.support.callers import as_person, take_at_their_word

WRONG: list[tuple[str, str, type[Query], dict[str, str]]] = [
    ("lead", "/v1/seats", BrowsedSeatsQuery, {"task": "astrology"}),
    ("lead", "/v1/seats", BrowsedSeatsQuery, {"amount_from": "much"}),
    ("lead", "/v1/seats", BrowsedSeatsQuery, {"priority": "9"}),
    ("lead", "/v1/seats", BrowsedSeatsQuery, {"waiting": "2y"}),
    ("lead", "/v1/seats", BrowsedSeatsQuery, {"limit": "201"}),
    ("lead", "/v1/agreement", AgreementQuery, {"task": "astrology"}),
    ("lead", "/v1/agreement", AgreementQuery, {"basis": "hearsay", "task": "adjudication"}),
    ("adjudicator", "/v1/my-work", WorkQuery, {"before": "2026-01-01T00:00:00"}),
    ("auditor", "/v1/audit", AuditQuery, {"actor": "a b"}),
    ("auditor", "/v1/audit", AuditQuery, {"before": "-1"}),
]


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Of the service without its engines: a query is refused before they are asked."""
    app = create_app(Settings())
    take_at_their_word(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://queue") as client:
        yield client


@pytest.mark.parametrize(("role", "path", "query", "params"), WRONG)
async def test_what_is_wrong_is_refused_by_the_api_and_by_the_page(
    client: httpx.AsyncClient, role: str, path: str, query: type[Query], params: dict[str, str]
) -> None:
    field = next(iter(params))
    headers = as_person(role)

    answer = await client.get(path, params=params, headers=headers)
    _, problem = read(query, params, task="adjudication")

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert problem.startswith(f"{field.replace('_', ' ').capitalize()}: ")


async def test_only_a_form_sends_fields_that_mean_nothing(client: httpx.AsyncClient) -> None:
    headers = as_person("lead")

    answer = await client.get("/v1/seats", params={"kind": ""}, headers=headers)

    assert (answer.status_code, answer.json()["field"]) == (422, "kind")
    assert read(BrowsedSeatsQuery, {"kind": ""}) == (BrowsedSeatsQuery(), "")
