"""The committed contracts are the ones that the code keeps.

A failure means that an event or a topic changed. If consumers survive it (a field added), run
`make docs` and commit; if not, it is a new event on a new topic.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.messaging.asyncapi import document, documented_services, schema
from shared.messaging.encoding import encode
from shared.messaging.topics import TOPICS, Topic
from tests.support.builders.events import submitted

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("service", documented_services())
def test_asyncapi_document_is_current(service: str) -> None:
    committed = json.loads((DOCS / "asyncapi" / f"{service}.json").read_text())

    assert committed == document(service)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_schema_is_current(topic: Topic) -> None:
    committed = json.loads((DOCS / "schemas" / f"{topic.name}.json").read_text())

    assert committed == schema(topic)


def test_documents_resolve_every_reference() -> None:
    for service in documented_services():
        found = document(service)
        for reference in _references(found):
            assert _resolve(found, reference) is not None, reference


def test_every_header_that_is_sent_is_documented() -> None:
    sent = encode(submitted(), source="test").headers.keys()
    messages = document("inference")["components"]["messages"].values()

    assert all(message["headers"]["properties"].keys() == sent for message in messages)


def test_all_seven_services_are_documented() -> None:
    expected = {path.parent.name for path in DOCS.parent.glob("services/*/app.py")}

    assert set(documented_services()) == expected
    assert len(expected) == 7


def test_no_document_is_left_over() -> None:
    assert {path.stem for path in (DOCS / "asyncapi").glob("*.json")} == set(documented_services())
    assert {path.stem for path in (DOCS / "schemas").glob("*.json")} == {t.name for t in TOPICS}


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [ref for value in node.values() for ref in _references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in _references(value)]
    return []


def _resolve(root: dict[str, Any], reference: str) -> Any:
    node: Any = root
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node
