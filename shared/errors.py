"""The two kinds of failure that a service tells apart: try again, or give the input back.

Everything that is neither is a bug; it is treated like `Rejected` for one record and stops
consumption when it happens to every record (see `shared/messaging/consumer.py`). Which HTTP status
each becomes is in `shared/http/errors.py`.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the errors themselves need no library
    from collections.abc import Iterator

    from pydantic import BaseModel, ValidationError

# In place of a name that the input has and its model does not: it may be member data.
_UNKNOWN = "(unknown name)"


class Transient(Exception):
    """An engine is unavailable (Kafka, S3, PostgreSQL, …): waiting helps, the input is fine."""


class Rejected(Exception):
    """The input itself cannot be processed, now or later: dead letter or a 4xx.

    `field` names the part of the input, where one can be named.
    """

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason = reason
        self.field = field


def first_failure(
    error: "ValidationError", *, case: "type[BaseModel] | None" = None
) -> tuple[str, str]:
    """Field and reason of the first thing that a model refuses. Never the value: it may be member
    data. Nor, of the model of a `case`, a name that the model does not have."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    parts = [
        part if case is None or isinstance(part, int) or part in _names(case) else _UNKNOWN
        for part in first["loc"]
    ]
    return ".".join(map(str, parts)), first["msg"]


def words_of(error: BaseException) -> str:
    """What may be said of an error: what we wrote of a failure, and of all others the kind alone,
    because a library's words may quote the input."""
    ours = isinstance(error, Transient | Rejected)
    return str(error) if ours else type(error).__name__


@cache
def _names(model: "type[BaseModel]") -> frozenset[str]:
    """Every field name in a model and in the models inside it."""
    return frozenset(_properties(model.model_json_schema()))


def _properties(schema: object) -> "Iterator[str]":
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for part in schema.values():
            yield from _properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _properties(part)


class Conflict(Rejected):
    """The input contradicts what is already recorded."""


class NotFound(Rejected):
    """There is no such thing, or it is not the caller's."""


class Forbidden(Rejected):
    """The caller is known, and may not do this."""


class Unauthenticated(Rejected):
    """The caller has not shown who they are."""


class TooLarge(Rejected):
    """More bytes than are taken."""


class TooManyAttempts(Rejected):
    """Too many in too short a time; wait."""
