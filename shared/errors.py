"""The two kinds of failure that a service tells apart: try again, or give the input back.

Everything that is neither is a bug; it is treated like `Rejected` for one record and stops
consumption when it happens to every record (see `shared/messaging/consumer.py`). Which HTTP status
each becomes is in `shared/http/errors.py`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the errors themselves need no library
    from pydantic import ValidationError


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


def first_failure(error: "ValidationError") -> tuple[str, str]:
    """Field and reason of the first thing that a model refuses. Never the value: it may be member
    data."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"]


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
