"""The numbers of `docs/architecture.md` are the code's."""

import re

from services.dataset_accumulator.settings import Settings as AccumulatorSettings
from services.evaluator.settings import Settings as EvaluatorSettings
from services.inference.settings import Settings as InferenceSettings
from services.review_queue.settings import Settings as QueueSettings
from shared.acceptance import MINIMUM_LABEL_MASS
from shared.http.body_limits import STRANGER_LIMIT_BYTES
from shared.messaging.consumer import REJECTED_LIMIT, UNEXPECTED_LIMIT
from shared.messaging.topics import (
    DEAD_LETTER_LIMIT_BYTES,
    RECORD_LIMIT_BYTES,
    ROLLOUTS_APPLIED,
    TOPICS,
    Topic,
)
from tests.support.documents import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
LIMITS = dict(re.findall(r"^\| (.+?) \| (.+?) \|", PAGE.split("## Limits in numbers")[1], re.M))


def row(topic: Topic) -> str:
    days = "1 day" if topic.retention_days == 1 else f"{topic.retention_days} days"
    kept = "compacted" if topic.compacted else days
    key = "case" if topic.partitions > 1 else "task" if topic != ROLLOUTS_APPLIED else "process"
    cells = (
        *(f"`{topic.name}`", key, str(topic.partitions), kept),
        *(", ".join(topic.producers), ", ".join((*topic.consumers, *topic.readers))),
    )
    return "| " + " | ".join(cells).rstrip() + " |"


def test_the_table_of_topics_is_the_list_of_topics() -> None:
    rows = re.findall(r"^\| `[a-z]+\.[a-z]+\.v\d` .*$", PAGE, re.M)

    assert rows == [row(topic) for topic in TOPICS]


def test_the_limits_are_the_defaults() -> None:
    mebibyte, kibibyte = 1024 * 1024, 1024
    queue = QueueSettings.model_fields

    assert LIMITS["a record"] == f"{RECORD_LIMIT_BYTES // mebibyte} MiB"
    assert LIMITS["a dead letter"].startswith(f"{DEAD_LETTER_LIMIT_BYTES // mebibyte} MiB")
    assert LIMITS["dead letters in a row before consumption stops"] == f"{REJECTED_LIMIT:,}"
    assert LIMITS["unexpected errors in a row before it stops"] == str(UNEXPECTED_LIMIT)
    assert LIMITS["label mass below which a person decides"] == str(MINIMUM_LABEL_MASS)
    assert LIMITS["cases waiting in one inference process"] == (
        f"{InferenceSettings.model_fields['waiting_cases'].default:,}"
    )
    assert LIMITS["a lease"].startswith(f"{queue['lease_seconds'].default} s")
    assert LIMITS["leases of one reviewer"] == str(queue["leases_per_reviewer"].default)
    assert LIMITS["time to undo a decision"] == f"{queue['undo_seconds'].default} s"
    body = queue["body_limit_bytes"].default
    assert LIMITS["a request's body to the review queue"] == f"{body // kibibyte} KiB"
    assert LIMITS["a stranger's body"] == f"{STRANGER_LIMIT_BYTES // kibibyte} KiB"
    assert LIMITS["new training labels that make a dataset version"] == str(
        AccumulatorSettings.model_fields["label_threshold"].default
    )
    assert LIMITS["effective held-out cases below which nothing is decided"] == (
        f"{EvaluatorSettings.model_fields['minimum_effective_cases'].default:g}"
    )
