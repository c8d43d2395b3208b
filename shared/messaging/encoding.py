"""Events as Kafka records and back: JSON values, CloudEvents headers, one size limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import orjson
from pydantic import ValidationError

from shared.errors import Rejected, first_failure
from shared.events import Event
from shared.messaging.topics import RECORD_LIMIT_BYTES, topic_of

E = TypeVar("E", bound=Event)

_OVERHEAD_BYTES = 1024  # what headers and a batch add to one record


@dataclass(frozen=True)
class Record:
    """An event ready to be sent."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str]


def encode(event: Event, *, source: str) -> Record:
    """The record of an event; `Rejected` if it is larger than a topic takes."""
    topic = topic_of(event)
    value = event.model_dump_json().encode()
    headers = {
        "ce_id": str(event.event_id),
        "ce_type": event.type,
        "ce_source": source,
        "ce_time": event.occurred_at.isoformat(),
        "ce_subject": event.key,
        "ce_specversion": "1.0",
        "content-type": "application/json",
        "correlation_id": event.key,
    }
    size = len(value) + len(event.key) + _OVERHEAD_BYTES
    if size > RECORD_LIMIT_BYTES:
        limit = f"{topic.name} takes {RECORD_LIMIT_BYTES}"
        raise Rejected(f"the record would have {size} bytes; {limit}")
    return Record(topic.name, event.key.encode(), value, headers)


def decode(value: bytes | None, event: type[E]) -> E:
    """The event in a record's value; `Rejected` names the field and never repeats the content."""
    if value is None:
        raise Rejected("the record has no value")
    try:
        return event.model_validate_json(value)
    except ValidationError as error:
        field, reason = first_failure(error, case=event)
        raise Rejected(reason, field=field or None) from None


def headers_json(record: Record) -> str:
    return orjson.dumps(record.headers).decode()
