"""Schemathesis on the OpenAPI document: whatever may be sent by it, nothing fails."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any, TypeAlias

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from services.review_queue.app import create_app
from services.review_queue.settings import Settings
from shared.auth.permissions import ROLES, Role, Route, Scope
from tests.connected.review_queue.harness import running
from tests.connected.review_queue.service_harness import service_settings
from tests.support.callers import session_of, sign_in_all
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.routes import allowed

AnyCase: TypeAlias = schemathesis.Case[Any]
WAITING = 400
_SCHEMA = schemathesis.openapi.from_dict(create_app(Settings()).openapi())
OPERATIONS = [
    operation.ok() if isinstance(operation, Ok) else pytest.fail(str(operation.err()))
    for operation in _SCHEMA.get_all_operations()
]
_SETTINGS = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Served:
    """The service on a port of its own, in a thread of its own."""

    url: str
    holders: Mapping[Route, frozenset[Role | Scope]]

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Of somebody who comes in."""
        roles = self.holders.get((method, path), frozenset(ROLES)) & set(ROLES)
        return _headers(min(roles))


@pytest.fixture(scope="module")
async def served(engines: dict[str, str], database: str) -> AsyncIterator[Served]:
    app = create_app(Settings.model_validate(await service_settings(engines, database)))
    with _listening(app) as url:
        async with running(database) as queue:
            await queue.request(*(f"case-{number}" for number in range(WAITING)))
            async with queue.database.transaction() as connection:
                await sign_in_all(connection, {f"a-{role}": role for role in ROLES})
        yield Served(url, allowed(app))


def _headers(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {session_of(f'a-{role}')}"}


@contextmanager
def _listening(app: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    assert server.started
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _get(f"{url}/health/ready").status_code == httpx.codes.OK)
        yield url
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_nothing_fails(operation: Any, served: Served) -> None:
    headers = served.headers(operation.method.upper(), operation.path)

    @settings(_SETTINGS)
    @given(case=operation.as_strategy())
    def ask(case: AnyCase) -> None:
        _check(case, _call(case, served.url, headers))
        if case.path_parameters:
            _make_real(case, served.url)
            _check(case, _call(case, served.url, headers))

    ask()


def _call(case: AnyCase, url: str, headers: dict[str, str]) -> schemathesis.Response:
    return case.call(base_url=url, headers=headers, timeout=PATIENCE_SECONDS)


def _get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=PATIENCE_SECONDS)


def _check(case: AnyCase, response: schemathesis.Response) -> None:
    checks = [not_a_server_error, response_schema_conformance]
    case.validate_response(response, checks=checks)


def _make_real(case: AnyCase, url: str) -> None:
    """Ask the same of things that exist, with the right token."""
    if "name" in case.path_parameters:
        case.path_parameters["name"] = "amara"
        return
    held = _held(url)
    case.path_parameters.update({name: held[name] for name in case.path_parameters})
    if isinstance(case.body, dict) and "token" in case.body:
        case.body["token"] = held["token"]


def _held(url: str) -> dict[str, Any]:
    """A case that the adjudicator holds."""
    asking = _headers("adjudicator")
    with httpx.Client(base_url=url, headers=asking, timeout=PATIENCE_SECONDS) as client:
        held: list[dict[str, Any]] = client.get("/v1/assignments").json()
        if held:
            return held[0]
        found: dict[str, Any] = client.post("/v1/assignments").json()
        return found
