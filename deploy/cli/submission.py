"""Cases and history on their way into the system."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from deploy.cli.client import System
from shared.errors import Rejected
from shared.events import CaseSubmitted
from shared.messaging.encoding import Record, decode, encode
from shared.tasks import get_task

_BLOCK_BYTES = 64 * 1024


def read_cases(content: bytes, *, task: str) -> list[CaseSubmitted]:
    """Cases from JSON, a JSON list or JSON lines, checked as the services check them.

    `Rejected` says which case is wrong, in which field and why, and repeats nothing of it.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Rejected("the file is no UTF-8 text") from None
    return [_case(place, entry, task) for place, entry in _entries(text)]


def _entries(text: str) -> Iterator[tuple[str, Any]]:
    """Each case, and where it stands."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                yield f"line {number}", _json(f"line {number}", line)
    else:
        entries = content if isinstance(content, list) else [content]
        yield from ((f"case {number}", entry) for number, entry in enumerate(entries, start=1))


def _json(place: str, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise Rejected(f"{place}: is not JSON: {error.msg} at column {error.colno}") from None


def _case(place: str, entry: Any, task: str) -> CaseSubmitted:
    if not isinstance(entry, dict):
        raise Rejected(f"{place}: is no JSON object")
    content = {"task": task, "occurred_at": datetime.now(UTC).isoformat(), **entry}
    try:
        case = decode(json.dumps(content).encode(), CaseSubmitted)
        get_task(case.task).validate(case.input)
    except Rejected as error:
        raise Rejected(f"{place}: {error}") from None
    return case


def send(bootstrap: list[str], cases: Sequence[CaseSubmitted]) -> int:
    """Publish cases to `cases.submitted.v1` and wait until all are confirmed.

    `Rejected` if a case is too large; then none is published.
    """
    records = [_record(case) for case in cases]
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=False)
    try:
        futures = []
        for record in records:
            headers = [(name, value.encode()) for name, value in record.headers.items()]
            futures.append(
                producer.send(record.topic, key=record.key, value=record.value, headers=headers)
            )
        for future in futures:
            future.get(timeout=30)
    finally:
        producer.close()
    return len(futures)


def _record(case: CaseSubmitted) -> Record:
    try:
        return encode(case, source="caseloop submit")
    except Rejected as error:
        raise Rejected(f"{case.case_id}: {error}") from None


def import_file(
    system: System, file: Path, query: Mapping[str, Any], *, on_bytes: Callable[[int], None]
) -> dict[str, Any]:
    """Stream a history file to the accumulator and return its report."""

    def blocks() -> Iterator[bytes]:
        with file.open("rb") as source:
            while block := source.read(_BLOCK_BYTES):
                yield block
                on_bytes(len(block))

    report: dict[str, Any] = system.call(
        "dataset_accumulator",
        "POST",
        "/v1/imports",
        scope="import",
        timeout=3600,
        params={**query, "name": file.name},
        content=blocks(),
        headers={"Content-Type": "text/csv", "Content-Length": str(file.stat().st_size)},
    )
    return report
