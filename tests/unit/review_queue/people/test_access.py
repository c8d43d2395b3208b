"""Every route of the application, walked: who may come in, and that nobody else does."""

import inspect
import re
from collections.abc import AsyncIterator
from typing import get_args
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from services.review_queue.app import create_app
from services.review_queue.people.access import ACCESS, PUBLIC, Actor, Right
from services.review_queue.settings import Settings
from shared.auth.principal import ROLES
from tests.support.routes import allowed, guards

NOBODY = [{}, {"Authorization": "Bearer a-token-nobody-gave"}, {"Authorization": "Basic eDp5"}]
ID = "00000000-0000-0000-0000-000000000001"
PAGE = {"Accept": "text/html"}


def token(role: str) -> str:
    return f"token-of-the-{role}"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The application without its engines: who may come in is decided before they are asked."""
    tokens = ",".join(f"a-{role}:{role}:{token(role)}" for role in ROLES)
    return create_app(Settings.model_validate({"API_TOKENS": tokens}))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://queue") as client:
        yield client


def test_every_route_is_public_on_purpose_or_has_one_guard(app: FastAPI) -> None:
    found = guards(app)

    unguarded = {route for route, guard in found.items() if not guard}
    assert unguarded == PUBLIC
    assert [route for route, guard in found.items() if len(guard) > 1] == []
    assert len(found) > 30  # the walk has not lost its way


def test_only_files_of_our_own_are_outside_of_the_routes(app: FastAPI) -> None:
    mounted = [each.path for each in iter_route_contexts(app.routes) if each.methods is None]

    assert mounted == ["/static"]


def test_nothing_reaches_around_the_guards(app: FastAPI) -> None:
    """A handler gets who is calling from its guard: none takes a principal from elsewhere."""
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        if dependant is None or (next(iter(context.methods or ())), context.path) in PUBLIC:
            continue
        takes = inspect.signature(dependant.call).parameters
        actors = [each for each in takes.values() if Actor in get_args(each.annotation)]
        assert len(actors) == 1, context.path


def test_every_line_of_the_table_is_used_and_every_role_exists(app: FastAPI) -> None:
    used = {may.right for found in guards(app).values() for may in found}

    assert set(ACCESS) == set(get_args(Right))
    assert used | {"read_cases"} == set(ACCESS)  # that one is asked within a handler
    for roles in ACCESS.values():
        assert set(roles) <= set(ROLES)
        assert len(set(roles)) == len(roles)


def test_the_duties_are_separate() -> None:
    def may(role: str) -> set[str]:
        return {right for right, roles in ACCESS.items() if role in roles}

    common = {"see_counts", "sign_out"}
    assert may("adjudicator") == common | {"work", "see_reviews"}
    assert may("operator") == common | {"manage_users"}
    assert may("auditor") == common | {
        "read_audit", "read_statistics", "list_reviews", "see_reviews",
    }  # fmt: skip
    assert "work" not in may("service")
    assert may("senior") >= may("adjudicator")
    assert may("lead") >= may("senior")
    for role in ROLES:  # nobody who works or rules reads or makes what they are watched by
        assert not may(role) & {"work", "manage_reviewers"} or not may(role) & {
            "read_audit",
            "manage_users",
        }


def test_the_document_says_where_a_token_is_needed(app: FastAPI) -> None:
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            public = (method.upper(), path) in PUBLIC
            assert bool(operation.get("security")) is not public, (method, path)


async def test_strangers_get_nothing(app: FastAPI, client: httpx.AsyncClient) -> None:
    for method, path in allowed(app):
        for headers in NOBODY:
            answer = await _ask(client, method, path, headers)

            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_people_are_shown_where_to_sign_in(app: FastAPI, client: httpx.AsyncClient) -> None:
    pages = [
        path for method, path in allowed(app) if method == "GET" and not path.startswith("/v1/")
    ]
    assert {"/", "/queue"} <= set(pages)
    for path in pages:
        answer = await _ask(client, "GET", path, PAGE)

        where = urlsplit(answer.headers["location"])
        assert (answer.status_code, where.path) == (303, "/sign-in"), path
        back = parse_qs(where.query).get("back", ["/"])[0]
        assert re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), back), path


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_comes_in_where_the_table_says_so(
    app: FastAPI, client: httpx.AsyncClient, role: str
) -> None:
    for (method, path), roles in allowed(app).items():
        answer = await _ask(client, method, path, {"Authorization": f"Bearer {token(role)}"})

        assert (answer.status_code == 403) is (role not in roles), (method, path)
        assert answer.status_code != 401, (method, path)
        if role not in roles:
            assert role in answer.json()["detail"]


async def test_what_is_public_asks_nobody(client: httpx.AsyncClient) -> None:
    for method, path in PUBLIC:
        answer = await _ask(client, method, path, {})

        assert answer.status_code != 403, (method, path)
        assert "www-authenticate" not in answer.headers  # a wrong password is no missing token


async def _ask(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> httpx.Response:
    return await client.request(method, re.sub(r"{\w+}", ID, path), headers=headers)
