"""AsyncAPI 3 documents and JSON Schemas of the events, generated from `topics.py` and `events`."""

import json
from pathlib import Path
from typing import Any

from shared.messaging.topics import TOPICS, Topic

_HEADERS = {
    "type": "object",
    "properties": {
        name: {"type": "string"}
        for name in (
            "ce_id",
            "ce_type",
            "ce_source",
            "ce_time",
            "ce_subject",
            "ce_specversion",
            "content-type",
            "correlation_id",
        )
    },
}


def schema(topic: Topic) -> dict[str, Any]:
    """The JSON Schema of a topic's event."""
    return topic.event.model_json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )


def documented_services() -> list[str]:
    """The services that publish or read a topic."""
    names = {s for t in TOPICS for s in (*t.producers, *t.consumers, *t.readers)}
    return sorted(name for name in names if " " not in name)


def document(service: str) -> dict[str, Any]:
    """The AsyncAPI document of a service: what it receives and what it sends."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for topic in TOPICS:
        actions = _actions(topic, service)
        if not actions:
            continue
        name = topic.event.__name__
        event_schema = schema(topic)
        schemas.update(event_schema.pop("$defs", {}))
        schemas[name] = event_schema
        messages[name] = {
            "name": topic.name,
            "title": name,
            "summary": (topic.event.__doc__ or "").strip(),
            "contentType": "application/json",
            "headers": _HEADERS,
            "payload": {"$ref": f"#/components/schemas/{name}"},
        }
        channels[name] = {
            "address": topic.name,
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "bindings": {"kafka": {"partitions": topic.partitions}},
        }
        for action, title in actions:
            operations[title] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
            }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"Caseloop {service}", "version": "1.0.0"},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _actions(topic: Topic, service: str) -> list[tuple[str, str]]:
    name = topic.event.__name__
    actions = []
    if service in topic.consumers or service in topic.readers:
        actions.append(("receive", f"receive{name}"))
    if service in topic.producers:
        actions.append(("send", f"send{name}"))
    return actions


def write_all(directory: Path) -> None:
    """Write every document and schema, for `docs/`."""
    for service in documented_services():
        _write(directory / "asyncapi" / f"{service}.json", document(service))
    for topic in TOPICS:
        _write(directory / "schemas" / f"{topic.name}.json", schema(topic))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    write_all(Path("docs"))
