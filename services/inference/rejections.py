"""What the sender of a refused record reads: which case, and why; nothing of the content."""

from collections.abc import Callable
from datetime import datetime

import orjson
from pydantic import TypeAdapter, ValidationError

from shared.errors import Rejected
from shared.events import CaseRejected
from shared.events.base import Identifier
from shared.messaging.consumer import RawRecord

_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


def case_rejected(
    record: RawRecord, error: Exception, *, now: Callable[[], datetime]
) -> CaseRejected:
    """The event of a refused record. What is not our own refusal is told by its name alone."""
    return CaseRejected(
        occurred_at=now(),
        case_id=_case_id(record.value),
        record_key=_identifier((record.key or b"").decode(errors="replace")),
        reason=error.reason if isinstance(error, Rejected) else type(error).__name__,
        field=error.field if isinstance(error, Rejected) else None,
        partition=record.partition,
        offset=record.offset,
    )


def _case_id(value: bytes | None) -> str | None:
    """The case id in the record, if that can be read."""
    try:
        content = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    return _identifier(content.get("case_id")) if isinstance(content, dict) else None


def _identifier(text: object) -> str | None:
    try:
        return _IDENTIFIER.validate_python(text)
    except ValidationError:
        return None
