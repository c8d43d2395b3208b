"""Cases and history on their way into the system."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from deploy.command_line.client import Refused, System
from shared.encoding import encode
from shared.errors import Rejected
from shared.events import CaseSubmitted
from shared.tasks import get_task

_BLOCK_BYTES = 64 * 1024


def read(text: str, *, task: str) -> Iterator[dict[str, Any]]:
    """Cases from JSON, a JSON list or JSON lines; each checked against its task."""
    try:
        found = json.loads(text)
        entries = found if isinstance(found, list) else [found]
    except json.JSONDecodeError:
        entries = [json.loads(line) for line in text.splitlines() if line.strip()]
    for number, entry in enumerate(entries, start=1):
        case = {"task": task, **entry}
        try:
            get_task(case["task"]).validate(case.get("input", {}))
        except Rejected as error:
            raise Rejected(f"case {number}: {error}") from None
        yield case


def send(bootstrap: list[str], cases: list[dict[str, Any]]) -> int:
    """Publish cases to `cases.submitted.v1` and wait until all are confirmed."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=False)
    try:
        futures = []
        for case in cases:
            event = CaseSubmitted.model_validate({"occurred_at": datetime.now(UTC), **case})
            record = encode(event, source="caseloop submit")
            headers = [(name, value.encode()) for name, value in record.headers.items()]
            futures.append(
                producer.send(record.topic, key=record.key, value=record.value, headers=headers)
            )
        for future in futures:
            future.get(timeout=30)
    finally:
        producer.close()
    return len(futures)


def import_file(
    system: System, file: Path, query: Mapping[str, Any], *, on_bytes: Callable[[int], None]
) -> dict[str, Any]:
    """Stream a CSV file to the accumulator and return its report."""

    def blocks() -> Iterator[bytes]:
        with file.open("rb") as source:
            while block := source.read(_BLOCK_BYTES):
                yield block
                on_bytes(len(block))

    with system.client("dataset_accumulator", timeout=3600) as client:
        response = client.post(
            "/v1/imports",
            params={**query, "name": file.name},
            content=blocks(),
            headers={"Content-Type": "text/csv", "Content-Length": str(file.stat().st_size)},
        )
    if response.is_error:
        raise Refused(response)
    report: dict[str, Any] = response.json()
    return report
