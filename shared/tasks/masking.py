"""The content of a case for eyes that may not see member data.

What a task's schema marks as member data is replaced, at any depth, and so is everything that
the schema does not know: a field is shown because it is known to be harmless.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from shared.tasks.task import Task

MASK = "[hidden]"

_Schema = Mapping[str, Any]


def mask_member_data(task: Task, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with `MASK` in every marked field, also in those that it lacks: that a value
    is missing says something too."""
    schema = _schema(task.input_model)
    return _mask_fields(content, tuple(_alternatives(schema, schema)), schema)


@cache
def _schema(model: type[BaseModel]) -> _Schema:
    # As it is written, not as it is read: cases carry what `model_dump` makes.
    return model.model_json_schema(mode="serialization", by_alias=False)


def _mask(value: Any, schemas: Iterable[_Schema], root: _Schema) -> Any:
    choices = tuple(choice for schema in schemas for choice in _alternatives(schema, root))
    if not choices or any(choice.get("member_data") for choice in choices):
        return MASK
    if isinstance(value, Mapping):
        return _mask_fields(value, choices, root)
    if isinstance(value, (list, tuple)):
        entries = tuple(entry for choice in choices for entry in _item_schemas(choice))
        return [_mask(each, entries, root) for each in value]
    return value


def _mask_fields(
    content: Mapping[str, Any], choices: tuple[_Schema, ...], root: _Schema
) -> dict[str, Any]:
    known = (name for choice in choices for name in choice.get("properties", {}))
    shown = {}
    for name in dict.fromkeys((*content, *known)):
        schemas = [field for choice in choices for field in _field_schemas(choice, name)]
        value = _mask(content.get(name), schemas, root)
        if name in content or value == MASK:
            shown[name] = value
    return shown


def _alternatives(schema: _Schema, root: _Schema) -> Iterator[_Schema]:
    """The schema and everything that it refers to: a value may follow any of them."""
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        for choice in schema.get(key, ()):
            yield from _alternatives(choice, root)
    if reference := schema.get("$ref"):
        yield from _alternatives(root["$defs"][reference.removeprefix("#/$defs/")], root)


def _field_schemas(schema: _Schema, name: str) -> Iterator[_Schema]:
    """The schemas of a field, or of an entry of a dictionary."""
    if name in schema.get("properties", {}):
        yield schema["properties"][name]
    else:
        yield from _schemas(*schema.get("patternProperties", {}).values())
        yield from _schemas(schema.get("additionalProperties"))


def _item_schemas(schema: _Schema) -> Iterator[_Schema]:
    """The schemas of a list's entries."""
    yield from _schemas(*schema.get("prefixItems", ()), schema.get("items"))


def _schemas(*candidates: Any) -> Iterator[_Schema]:
    # JSON Schema writes "anything" and "nothing" as true and false: both say nothing of a value.
    return (each for each in candidates if isinstance(each, Mapping))
