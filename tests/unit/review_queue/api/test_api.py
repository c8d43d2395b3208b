"""What the API offers, read from its own document."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from services.review_queue.app import create_app
from services.review_queue.settings import Settings

APP = create_app(Settings())
DOCUMENT = APP.openapi()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def named(schema: Any, *, within_list: bool = False) -> Iterator[tuple[str, bool]]:
    """Every field of a schema at any depth, and whether it can come many times."""
    if isinstance(schema, list):
        for each in schema:
            yield from named(each, within_list=within_list)
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        yield from named(DOCUMENT["components"]["schemas"][name], within_list=within_list)
    for name, field in schema.get("properties", {}).items():
        yield name, within_list
        yield from named(field, within_list=within_list)
    for key in ("anyOf", "allOf", "oneOf"):
        yield from named(schema.get(key), within_list=within_list)
    for key in ("items", "additionalProperties"):
        yield from named(schema.get(key), within_list=True)


def test_there_is_no_bulk_decision() -> None:
    """Whoever decides, decides one case that the address names."""
    deciding = []
    for method, path, operation in operations():
        body = operation.get("requestBody", {}).get("content", {})
        fields = list(named([content["schema"] for content in body.values()]))
        if any(name == "label" for name, _ in fields):
            deciding.append((method, path))
            assert "{assignment_id}" in path or "{review_id}" in path, path
            assert not any(many for name, many in fields if name == "label"), path

    assert {
        ("post", f"/v1/assignments/{{assignment_id}}/{act}") for act in ("commit", "submit")
    } | {("post", "/v1/reviews/{review_id}/corrections")} == set(deciding)


def test_who_acts_is_never_a_field_of_a_request() -> None:
    for _, path, operation in operations():
        body = operation.get("requestBody", {}).get("content", {})
        fields = {name for name, _ in named([content["schema"] for content in body.values()])}

        assert not fields & {"reviewer", "actor", "role_of", "by", "author", "address"}, path


def test_every_step_of_the_work_shows_its_token() -> None:
    for method, path, operation in operations():
        if method != "post" or "{assignment_id}" not in path:
            continue
        body = operation["requestBody"]["content"]["application/json"]["schema"]

        assert ("token", False) in list(named(body)), path


@pytest.mark.parametrize("status", ["401", "403", "422"])
def test_refusals_are_documented(status: str) -> None:
    for method, path, operation in operations():
        if path.startswith("/v1/") and operation.get("security"):
            assert status in operation["responses"], (method, path)


def test_every_operation_says_what_it_does() -> None:
    routes = [c for c in iter_route_contexts(APP.routes) if (c.path or "").startswith("/v1/")]
    for _, path, operation in operations():
        assert operation.get("description") or not path.startswith("/v1/"), path
    assert len(routes) > 20
