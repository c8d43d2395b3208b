"""Whoever asks the whole service for whatever is let in or refused, and nothing fails."""

import json
from typing import Any

import httpx
import pytest

from services.review_queue.api.queries import BrowsedSeatsQuery, Query
from shared.auth.permissions import SCOPES, Scope
from tests.connected.review_queue.harness import PASSWORD, Queue
from tests.connected.review_queue.service_harness import (
    APPROVAL,
    DENIAL,
    USERS,
    Clients,
    Service,
    asked,
    leased,
    of,
    queued,
)
from tests.support.callers import token_for
from tests.support.routes import allowed, public

pytestmark = pytest.mark.usefixtures("empty_hands")


@pytest.mark.parametrize("scope", SCOPES)
async def test_every_scope_on_every_route(service: Service, inside: Queue, scope: Scope) -> None:
    """By API token: the table, the whole table and nothing but the table."""
    async with service.by_token(scope) as client:
        for (method, path), roles in allowed(service.app).items():
            answer = await client.request(*asked(method, path))

            assert answer.status_code != 401, (method, path)
            assert answer.status_code < 500, (method, path)
            if scope not in roles:
                assert answer.status_code == 403, (method, path)
                assert "you are a machine" in answer.json()["detail"]
            elif answer.status_code == 403:  # comes in, and may not see this one
                assert "you are a machine" not in answer.json()["detail"], (method, path)


@pytest.mark.parametrize("name", USERS)
async def test_every_user_on_every_route(service: Service, inside: Queue, name: str) -> None:
    """By session, as cookie of our own page: the same."""
    async with service.client(**{"Sec-Fetch-Site": "same-origin"}) as page:
        await page.post("/sign-in", data={"name": name, "password": PASSWORD})
        last = ("DELETE", "/v1/sessions")  # it ends the session
        routes = allowed(service.app)
        for method, path in (*sorted(routes.keys() - {last}), last):
            answer = await page.request(*asked(method, path))

            refused = answer.status_code == 403 and "needs the role" in answer.text
            assert refused is (USERS[name] not in routes[method, path]), (method, path)
            assert answer.status_code != 401, (method, path)
            assert answer.status_code < 500, (method, path)
        assert (await page.get("/v1/queue")).status_code == 401


async def test_nobody_comes_in_without_a_good_token(service: Service, inside: Queue) -> None:
    over = await service.signed_in("amara")
    async with over:
        await over.delete("/v1/sessions")
        signed_out = over.headers["Authorization"]
    async with await service.signed_in("bo") as expired:
        in_time = expired.headers["Authorization"]
        await inside.fetch("UPDATE review_queue.sessions SET expires_at = now() WHERE name = 'bo'")
    cookie = f"caseloop_session={in_time.removeprefix('Bearer ')}"
    strangers = {
        "nobody": {},
        "an unknown token": {"Authorization": "Bearer a-token-that-nobody-gave"},
        "an unknown session": {"Authorization": "Bearer session-that-nobody-gave"},
        "an empty token": {"Authorization": "Bearer "},
        "another scheme": {"Authorization": f"Basic {token_for('observe')}"},
        "a session that was ended": {"Authorization": signed_out},
        "a session that is over": {"Authorization": in_time},
        "a cookie that is over": {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"},
    }
    for stranger, headers in strangers.items():
        async with service.client(**headers) as client:
            for method, path in allowed(service.app):
                answer = await client.request(*asked(method, path))

                assert answer.status_code == 401, (stranger, method, path)


async def test_what_is_public_is_public(service: Service) -> None:
    async with service.client() as client:
        for method, path in public(service.app):
            answer = await client.request(method, path)

            assert answer.status_code < 500, (method, path, answer.text)
            assert answer.status_code != 403, (method, path)
            assert "www-authenticate" not in answer.headers, (method, path)


# What PostgreSQL or JSON cannot hold, wherever the API takes text, times or numbers.
ODD_QUERIES = [
    ("ada", "/v1/audit", {"actor": "\x00"}),
    ("ada", "/v1/audit", {"review_id": "a\x00b"}),
    ("ada", "/v1/audit", {"before": str(2**63)}),
    ("ada", "/v1/audit", {"action": "nothing"}),
    ("lee", "/v1/seats", {"amount_from": "1E-20000"}),
    ("lee", "/v1/seats", {"amount_to": "NaN"}),
    ("lee", "/v1/seats", {"amount_from": "-0"}),
    ("lee", "/v1/seats", {"requested_before": "0001-01-01T00:00:00+14:00"}),
    ("lee", "/v1/seats", {"requested_before": "9999-12-31T23:59:59-14:00"}),
    ("lee", "/v1/seats", {"requested_before": "2026-01-01T00:00:00"}),
    ("lee", "/v1/seats", {"task": "\x00"}),
    ("lee", "/v1/seats", {"after": str(2**63)}),
    ("lee", "/v1/reviews/%00", {}),
    ("lee", "/v1/reviews/" + "x" * 200, {}),
    ("amara", "/v1/assignments/no-id/draft", {}),
]


@pytest.mark.parametrize("text", ["\x00", "   ", "", 7])
async def test_odd_searches_are_answered_or_refused(clients: Clients, text: object) -> None:
    assert (await clients["amara"].post("/v1/search", json={"text": text})).status_code == 422


@pytest.mark.parametrize(("name", "path", "query"), ODD_QUERIES)
async def test_odd_questions_are_answered_or_refused(
    clients: Clients, name: str, path: str, query: dict[str, str]
) -> None:
    answer = await clients[name].get(path, params=query)

    assert answer.status_code in {200, 404, 422}


ODD_TEXTS: list[object] = [
    "\x00",
    "a\x00b",
    "\ud800",
    "\x1b[0m",
    " ",
    "",
    "x" * 5000,
    None,
    7,
    ["DENIED"],
    {},
]


@pytest.mark.parametrize("odd", ODD_TEXTS, ids=repr)
async def test_odd_texts_are_refused_wherever_text_is_taken(
    clients: Clients, inside: Queue, odd: object
) -> None:
    await queued(inside, blind=1.0)
    amara, lee, olga = (clients[name] for name in ("amara", "lee", "olga"))
    held = await leased(amara)
    token, criterion = {"token": held["token"]}, DENIAL["criterion"]
    review = f"/v1/reviews/{held['review_id']}"
    changed = {**APPROVAL, "why": "so", "supersedes_revision": 0}
    bodies: list[tuple[httpx.AsyncClient, str, dict[str, Any]]] = [
        (amara, of(held, "/commit"), {**token, "label": odd}),
        (amara, of(held, "/release"), {**token, "reason": odd}),
        (amara, of(held, "/escalate"), {**token, "reason": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "label": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "reasoning": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "reason_code": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "clinical_basis": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "panels": [odd]}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "criterion": {**criterion, "text": odd}}),
        (amara, f"{review}/notes", {"text": odd}),
        (amara, f"{review}/corrections", {**changed, "why": odd}),
        (lee, "/v1/reviewers/amara/pause", {"why": odd}),
        (olga, "/v1/users", {"name": odd, "role": "lead", "password": PASSWORD}),
        (olga, "/v1/users", {"name": "nora", "role": odd, "password": PASSWORD}),
    ]
    for client, path, body in bodies:
        answer = await client.post(
            path, content=json.dumps(body), headers={"Content-Type": "application/json"}
        )

        assert answer.status_code in {400, 422}, (path, body)


ODD_WORDS = [
    "\x00",
    " ",
    "x" * 300,
    "-1",
    "1E-20000",
    "NaN",
    str(2**63),
    "0001-01-01T00:00:00+14:00",
]


@pytest.mark.parametrize("odd", ODD_WORDS, ids=ascii)
async def test_no_page_fails_whatever_stands_in_its_address(
    service: Service, clients: Clients, inside: Queue, odd: str
) -> None:
    queries: list[type[Query]] = [BrowsedSeatsQuery, *Query.__subclasses__()]
    names = {name for query in queries for name in query.model_fields}
    assert names >= {"task", "amount_from", "before", "text", "actor"}
    pages = [
        path for method, path in allowed(service.app) if method == "GET" and "/v1/" not in path
    ]
    headers = {"Accept": "text/html"}
    for path in pages:
        client = next(
            c for n, c in clients.items() if USERS[n] in allowed(service.app)["GET", path]
        )
        for name in sorted(names):
            answer = await client.get(asked("GET", path)[1], params={name: odd}, headers=headers)

            assert answer.status_code < 500, (path, name)


@pytest.mark.parametrize(
    "body",
    [
        '{"content": {"a": NaN}}',
        '{"content": {"a": Infinity}}',
        '{"content": {"a": "\\u0000"}}',
        '{"content": {"a": "\\ud800"}}',
        '{"content": {"\\u0000": 1}}',
        '{"content": {"a": 1e400}}',
        '{"content": {"a": ' + "[" * 5000 + "]" * 5000 + "}}",
        '{"content": {"a": "' + "x" * 70_000 + '"}}',
        '{"content": [1]}',
        '{"content": null}',
        '{"content": {}, "reviewer": "bo"}',
        '{"content": ',
        "",
    ],
)
async def test_odd_drafts_are_kept_or_refused_and_never_fail(
    clients: Clients, inside: Queue, body: str
) -> None:
    await queued(inside)
    assignment = await leased(clients["amara"])

    kept = await clients["amara"].put(
        of(assignment, "/draft"), content=body, headers={"Content-Type": "application/json"}
    )

    assert kept.status_code in {204, 400, 422}
    assert (await clients["amara"].get(of(assignment, "/draft"))).status_code == 200
