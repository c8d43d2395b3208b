"""Follow predictions and decisions with plain kafka-python.

    python examples/follow_decisions.py [--bootstrap 127.0.0.1:8110] [--group my-application]

Delivery is at least once: the same event may come twice, with the same `event_id`. Joining a
group takes up to half a minute on the embedded broker, a moment on Apache Kafka.
"""

import argparse
import json
import os

from kafka import KafkaConsumer

TOPICS = ("predictions.made.v1", "decisions.made.v1", "decisions.corrected.v1")


def describe(topic: str, event: dict) -> str:
    if topic == "predictions.made.v1":
        answer = event["answering_version"] or "no model"
        return f"{event['case']['case_id']}: predicted by {answer}"
    if topic == "decisions.made.v1":
        who = event["reviewer"] or event["model_version"]
        return f"{event['case_id']}: {event['label']} by {who} ({event['route_reason']})"
    return f"{event['case_id']}: corrected to {event['label']}, {event['why']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP", "127.0.0.1:8110"))
    parser.add_argument("--group", default="example-application")
    parser.add_argument("--events", type=int, default=0, help="stop after so many; 0 never stops")
    arguments = parser.parse_args()
    consumer = KafkaConsumer(
        *TOPICS,
        bootstrap_servers=arguments.bootstrap.split(","),
        group_id=arguments.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    seen: set[str] = set()  # a real application keeps this where it keeps its own state
    for record in consumer:
        event = json.loads(record.value)
        if event["event_id"] not in seen:
            seen.add(event["event_id"])
            print(describe(record.topic, event), flush=True)
        consumer.commit()
        if arguments.events and len(seen) >= arguments.events:
            break
    consumer.close()


if __name__ == "__main__":
    main()
