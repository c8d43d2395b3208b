"""Every route of every service, walked: who may come in, and that nobody else does."""

import inspect
import re
from functools import cache
from importlib import import_module
from typing import get_args

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from shared.auth.dependencies import RequiresPerson
from shared.auth.permissions import (
    HEALTH_ROUTES,
    PEOPLE_ONLY,
    PERMISSIONS,
    PUBLIC_ROUTES,
    ROLES,
    SCOPES,
    SIGN_IN_ROUTES,
    Right,
    Role,
    Scope,
)
from shared.auth.principal import Actor, Person
from shared.services import SERVICES
from tests.support.callers import TOKENS, as_machine, as_person, take_at_their_word
from tests.support.routes import allowed, required

NOBODY = [{}, {"Authorization": "Bearer a-token-nobody-gave"}, {"Authorization": "Basic eDp5"}]
ID = "00000000-0000-0000-0000-000000000001"
# So many routes at least have a right: with fewer the walk has lost its way.
ROUTES_AT_LEAST = {
    "inference": 2,
    "confidence_filter": 0,
    "review_queue": 45,
    "dataset_accumulator": 9,
    "trainer": 2,
    "evaluator": 4,
    "promoter": 10,
}


@cache
def application(service: str) -> FastAPI:
    """The application without its engines: who may come in is decided before they are asked."""
    settings = import_module(f"services.{service}.settings").Settings
    app: FastAPI = import_module(f"services.{service}.app").create_app(
        settings.model_validate({"API_TOKENS": TOKENS})
    )
    take_at_their_word(app)
    return app


def client_of(service: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application(service), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{service}")


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_is_public_on_purpose_or_names_one_right(service: str) -> None:
    routes = required(application(service))

    public = HEALTH_ROUTES | SIGN_IN_ROUTES if service == "review_queue" else HEALTH_ROUTES
    assert {route for route, rights in routes.items() if not rights} == public
    assert [route for route, rights in routes.items() if len(rights) > 1] == []
    assert len(routes) >= len(public) + ROUTES_AT_LEAST[service]


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_changed_by_a_right_to_read(service: str) -> None:
    for (method, path), rights in required(application(service)).items():
        reads = [each for each in rights if each.right.startswith(("read_", "see_", "list_"))]
        assert method == "GET" or not reads, (method, path)


@pytest.mark.parametrize("service", SERVICES)
def test_only_files_of_our_own_are_outside_of_the_routes(service: str) -> None:
    contexts = iter_route_contexts(application(service).routes)
    mounted = [each.path for each in contexts if each.methods is None]

    assert mounted == (["/static"] if service == "review_queue" else [])


@pytest.mark.parametrize("service", SERVICES)
def test_no_handler_learns_who_calls_from_anything_but_its_right(service: str) -> None:
    for context in iter_route_contexts(application(service).routes):
        dependant = getattr(context, "dependant", None)
        if dependant is None or (next(iter(context.methods or ())), context.path) in PUBLIC_ROUTES:
            continue
        takes = inspect.signature(dependant.call).parameters
        actors = [
            each for each in takes.values() if {Actor, Person} & set(get_args(each.annotation))
        ]
        assert len(actors) == 1, context.path


def test_every_right_is_used_and_every_role_exists() -> None:
    used = {
        requirement.right
        for service in SERVICES
        for requirements in required(application(service)).values()
        for requirement in requirements
    }

    assert set(PERMISSIONS) == set(get_args(Right))
    assert used | {"read_cases"} == set(PERMISSIONS)  # that one is asked for within a handler
    for holders in PERMISSIONS.values():
        assert holders <= {*ROLES, *SCOPES}


@pytest.mark.parametrize("service", SERVICES)
def test_what_only_people_do_takes_a_person_by_type(service: str) -> None:
    """No token's scope has such a right, and no handler of it is given anything but a person."""
    for route, (requirement,) in (
        (route, each) for route, each in required(application(service)).items() if each
    ):
        only_people = requirement.right in PEOPLE_ONLY
        assert isinstance(requirement, RequiresPerson) is only_people, route


def test_no_scope_decides_rules_or_approves() -> None:
    assert {
        "work", "manage_reviewers", "manage_users", "read_audit", "own_account",
        "advance_rollouts", "confirm_imports",
    } == PEOPLE_ONLY  # fmt: skip


def test_no_scope_submits_and_imports_and_releases_and_reads() -> None:
    """What took one stolen token takes as many as there are steps."""
    chain: list[Right] = [
        "request_predictions", "import_cases", "release_datasets", "read_cases", "read_rollouts",
    ]  # fmt: skip
    for scope in SCOPES:
        assert sum(scope in PERMISSIONS[right] for right in chain) <= 1


def test_the_duties_are_separate() -> None:
    def may(holder: Role | Scope) -> set[str]:
        return {right for right, holders in PERMISSIONS.items() if holder in holders}

    common = {"see_counts", "own_account"}
    reads = {
        "read_served_models", "read_datasets", "read_training_runs", "read_evaluations",
        "read_rollouts",
    }  # fmt: skip
    orders = {"release_datasets", "retry_training_runs", "retry_evaluations", "stop_rollouts"}
    assert may("adjudicator") == common | {"work", "see_reviews"}
    assert may("operator") == common | reads | orders | {
        "manage_users", "request_predictions", "import_cases", "advance_rollouts",
        "confirm_imports",
    }  # fmt: skip
    assert may("auditor") == common | reads | {
        "read_audit", "read_statistics", "list_reviews", "see_reviews",
    }  # fmt: skip
    assert may("senior") == may("adjudicator") | {"list_reviews", "read_cases"}
    assert may("lead") == may("senior") | reads | {
        "read_statistics", "manage_reviewers", "confirm_imports",
    }  # fmt: skip
    for role in ROLES:  # nobody who works or rules reads or makes what they are watched by
        assert not may(role) & {"work", "manage_reviewers"} or not may(role) & {
            "read_audit",
            "manage_users",
        }
    assert may("submit") == {"request_predictions"}
    assert may("import") == {"import_cases"}
    assert may("observe") == reads | {"see_counts", "read_statistics"}
    assert may("read_reviews") == {"see_counts", "see_reviews", "list_reviews", "read_cases"}
    assert may("operate") == orders


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_says_where_a_token_is_needed(service: str) -> None:
    for path, operations in application(service).openapi()["paths"].items():
        for method, operation in operations.items():
            public = (method.upper(), path) in PUBLIC_ROUTES
            assert bool(operation.get("security")) is not public, (method, path)


@pytest.mark.parametrize("service", SERVICES)
async def test_strangers_get_nothing(service: str) -> None:
    async with client_of(service) as client:
        for method, path in allowed(application(service)):
            for headers in NOBODY:
                answer = await _ask(client, method, path, headers)

                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_comes_in_where_the_table_says_so(service: str, role: str) -> None:
    await _walk(service, role, as_person(role), refusal=f"you are {role}")


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_scope_comes_in_where_the_table_says_so(service: str, scope: Scope) -> None:
    await _walk(service, scope, as_machine(scope), refusal="you are a machine")


async def _walk(service: str, holder: str, headers: dict[str, str], *, refusal: str) -> None:
    async with client_of(service) as client:
        for (method, path), holders in allowed(application(service)).items():
            answer = await _ask(client, method, path, headers)

            assert (answer.status_code == 403) is (holder not in holders), (method, path)
            assert answer.status_code != 401, (method, path)
            if holder not in holders:
                assert refusal in answer.json()["detail"]


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_public_asks_nobody(service: str) -> None:
    async with client_of(service) as client:
        for method, path in PUBLIC_ROUTES & set(required(application(service))):
            answer = await _ask(client, method, path, {})

            assert answer.status_code != 403, (method, path)
            assert "www-authenticate" not in answer.headers  # a wrong password: no missing token


async def _ask(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> httpx.Response:
    return await client.request(method, re.sub(r"{\w+}", ID, path), headers=headers)
