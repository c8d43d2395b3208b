"""Every route of the application, walked: who may come in, and that nobody else does."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from services.review_queue.app import create_app
from services.review_queue.settings import Settings
from shared.auth import ROLES

REVIEWERS = {"adjudicator", "senior", "lead"}
READERS = {"senior", "lead", "auditor", "service"}
EVERYBODY = set(ROLES)
NOBODY_ASKS = None  # public on purpose

MATRIX: dict[tuple[str, str], set[str] | None] = {
    ("GET", "/health/live"): NOBODY_ASKS,
    ("GET", "/health/ready"): NOBODY_ASKS,
    ("GET", "/metrics"): NOBODY_ASKS,
    ("GET", "/asyncapi.json"): NOBODY_ASKS,
    ("GET", "/openapi.json"): NOBODY_ASKS,
    ("GET", "/sign-in"): NOBODY_ASKS,
    ("POST", "/sign-in"): NOBODY_ASKS,
    ("POST", "/sign-out"): NOBODY_ASKS,  # ends the session that it is sent with, if any
    ("POST", "/v1/sessions"): NOBODY_ASKS,
    ("DELETE", "/v1/sessions"): EVERYBODY,
    ("POST", "/v1/users"): {"operator"},
    ("POST", "/v1/assignments"): REVIEWERS,
    ("GET", "/v1/assignments"): REVIEWERS,
    ("POST", "/v1/assignments/{assignment_id}/heartbeat"): REVIEWERS,
    ("POST", "/v1/assignments/{assignment_id}/submit"): REVIEWERS,
    ("POST", "/v1/assignments/{assignment_id}/release"): REVIEWERS,
    ("POST", "/v1/assignments/{assignment_id}/undo"): REVIEWERS,
    ("GET", "/v1/queue"): EVERYBODY,
    ("GET", "/v1/reviews"): READERS,
    ("GET", "/v1/reviews/{review_id}"): EVERYBODY,  # the handler looks who decided it
    ("POST", "/v1/reviews/{review_id}/corrections"): REVIEWERS,
    ("GET", "/"): EVERYBODY,
    ("GET", "/queue"): EVERYBODY,
    ("GET", "/assignments/{assignment_id}"): REVIEWERS,
}
GUARDED = {route: roles for route, roles in MATRIX.items() if roles is not None}
ID = "00000000-0000-0000-0000-000000000001"


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


def test_no_route_is_missing_from_the_matrix(app: FastAPI) -> None:
    walked = {
        (method, context.path)
        for context in iter_route_contexts(app.routes)
        for method in context.methods or ()
        if method != "HEAD"
    }

    assert walked == set(MATRIX)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer a-token-nobody-gave"}])
@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_a_stranger_gets_nothing(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await _ask(client, method, path, headers)

    if path in {"/", "/queue"}:  # people are shown where to sign in
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    else:
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [(*route, role) for route, roles in GUARDED.items() for role in ROLES if role not in roles],
)
async def test_the_wrong_role_gets_nothing(
    client: httpx.AsyncClient, method: str, path: str, role: str
) -> None:
    answer = await _ask(client, method, path, {"Authorization": f"Bearer {token(role)}"})

    assert answer.status_code == 403
    assert role in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [(*route, role) for route, roles in GUARDED.items() for role in sorted(roles)],
)
async def test_the_right_role_comes_in(
    client: httpx.AsyncClient, method: str, path: str, role: str
) -> None:
    answer = await _ask(client, method, path, {"Authorization": f"Bearer {token(role)}"})

    assert answer.status_code not in {401, 403}


async def _ask(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> httpx.Response:
    url = path.format(assignment_id=ID, review_id=ID)
    return await client.request(method, url, headers=headers)
