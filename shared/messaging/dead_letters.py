"""Records that cannot be processed, kept with everything needed to see why and to replay them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Self

from shared.errors import words_of
from shared.messaging.encoding import Record
from shared.messaging.topics import dead_letter_topic

_PREFIX = "dead_letter_"
_NOT_KEPT = _PREFIX + "not_kept"
_NULL = _PREFIX + "null"  # which of key and value were null: an empty one is another thing
_LONGEST_ERROR = 500
_LONGEST_KEY_BYTES = 1024


@dataclass(frozen=True)
class DeadLetter:
    """A record as it was, and why `group` could not process it.

    `headers` are the original bytes, a null as empty; names repeat if they did. `not_kept` tells
    the size and hash of a value that was too large to keep.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    group: str
    error: str
    error_type: str
    failed_at: str
    not_kept: str | None = None

    @classmethod
    def of(cls, record: Any, *, group: str, error: Exception) -> Self:
        """The dead letter of a consumed record."""
        return cls(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            headers=tuple((name, value or b"") for name, value in record.headers),
            group=group,
            error=words_of(error)[:_LONGEST_ERROR].encode(errors="backslashreplace").decode(),
            error_type=type(error).__name__,
            failed_at=datetime.now(UTC).isoformat(),
        )

    @classmethod
    def read(cls, key: bytes | None, value: bytes | None, headers: Mapping[str, bytes]) -> Self:
        """The dead letter in a record of a dead-letter topic."""
        about = {name: headers[_PREFIX + name].decode() for name in _ABOUT}
        original = json.loads(headers[_PREFIX + "headers"])
        null = headers.get(_NULL, b"").decode().split()
        return cls(
            topic=about["topic"],
            partition=int(about["partition"]),
            offset=int(about["offset"]),
            key=None if "key" in null else key,
            value=None if "value" in null else value,
            headers=tuple((name, base64.b64decode(text)) for name, text in original),
            group=about["group"],
            error=about["error"],
            error_type=about["error_type"],
            failed_at=about["failed_at"],
            not_kept=headers.get(_NOT_KEPT, b"").decode() or None,
        )

    def without_content(self) -> Self:
        """The same, always small. The record lies at its origin until the retention ends."""
        value = self.value or b""
        return replace(
            self,
            key=self.key if len(self.key or b"") <= _LONGEST_KEY_BYTES else None,
            value=None,
            headers=(),
            not_kept=f"{len(value)} bytes, sha256 {sha256(value).hexdigest()}",
        )


_ABOUT = ("topic", "partition", "offset", "group", "error", "error_type", "failed_at")


def dead_letter_record(letter: DeadLetter) -> Record:
    """The record that goes to the dead-letter topic: same key and bytes, the rest in headers."""
    headers = {_PREFIX + name: str(getattr(letter, name)) for name in _ABOUT}
    original = [(name, base64.b64encode(value).decode()) for name, value in letter.headers]
    headers[_PREFIX + "headers"] = json.dumps(original)
    if null := [name for name in ("key", "value") if getattr(letter, name) is None]:
        headers[_NULL] = " ".join(null)
    if letter.not_kept:
        headers[_NOT_KEPT] = letter.not_kept
    return Record(
        topic=dead_letter_topic(letter.topic, letter.group),
        key=letter.key or b"",
        value=letter.value or b"",
        headers=headers,
    )
