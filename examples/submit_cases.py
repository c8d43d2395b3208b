"""Submit cases with plain kafka-python.

    python examples/submit_cases.py [--bootstrap 127.0.0.1:8110] [FILE.jsonl]

Each line of the file is one case: {"case_id": …, "task": …, "input": {…}}. Without a file, one
example claim is submitted. The key must be the case id, so that a case's records stay in order.
"""

import argparse
import json
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from kafka import KafkaProducer

EXAMPLE = Path(__file__).with_name("claim.json")


def cases(file: str | None) -> list[dict]:
    if file is None:
        number = uuid.uuid4().hex[:8]
        case = json.loads(EXAMPLE.read_text())
        claim = {**case["input"], "claim_id": f"EXAMPLE-{number}", "member_id": f"M-{number}"}
        return [{**case, "case_id": f"EXAMPLE-{number}.1", "input": claim}]
    text = sys.stdin.read() if file == "-" else Path(file).read_text()
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP", "127.0.0.1:8110"))
    parser.add_argument("file", nargs="?")
    arguments = parser.parse_args()
    producer = KafkaProducer(
        bootstrap_servers=arguments.bootstrap.split(","),
        acks="all",
        enable_idempotence=False,  # the embedded broker has no producer ids; Apache Kafka does
    )
    sent = []
    for case in cases(arguments.file):
        event = {"occurred_at": datetime.now(UTC).isoformat(), **case}
        sent.append(
            producer.send(
                "cases.submitted.v1",
                key=case["case_id"].encode(),
                value=json.dumps(event).encode(),
            )
        )
    for confirmation in sent:
        confirmation.get(timeout=30)
    producer.close()
    print(f"{len(sent)} submitted")


if __name__ == "__main__":
    main()
