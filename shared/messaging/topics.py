"""Every topic, listed once. Brokers make none by themselves: `create_topics` does.

A work topic is read by one group a consumer; each such pair has a dead-letter topic. Its readers
read it without a group, every process from the beginning: a state topic, which is compacted, has
nobody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared import events
from shared.events import Event

# How every consumer reads: what a transaction took back, or has not concluded, is no event.
READ_COMMITTED: Final = "read_committed"
RECORD_LIMIT_BYTES = 1024 * 1024
# A dead letter carries the record as it was, its headers as text of 4/3 the size, and a few more.
DEAD_LETTER_LIMIT_BYTES = 2 * RECORD_LIMIT_BYTES
# A decision and all that explains it are kept alike: the case, its scores, its reviews. A year.
EVIDENCE_DAYS = 365
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class RequiredTopic:
    """What a broker has to have: a topic, in Kafka's own words."""

    name: str
    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class Topic:
    """A topic, who publishes to it and who reads it."""

    event: type[Event]
    producers: tuple[str, ...]
    consumers: tuple[str, ...] = ()  # groups
    readers: tuple[str, ...] = ()  # each of their processes, without a group
    recovered_by: tuple[str, ...] = ()  # who takes over what they said here, after a restore
    partitions: int = 1
    retention_days: int = EVIDENCE_DAYS
    compacted: bool = False

    @property
    def name(self) -> str:
        return self.event.type

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings in Kafka's own words."""
        common = {"max.message.bytes": str(RECORD_LIMIT_BYTES)}
        if self.compacted:
            return {**common, "cleanup.policy": "compact"}
        return {**common, **_kept(self.retention_days)}

    @property
    def required(self) -> RequiredTopic:
        return RequiredTopic(self.name, self.partitions, self.config)


def _kept(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}


CASE_PARTITIONS = 12

CASES_SUBMITTED = Topic(
    events.CaseSubmitted,
    producers=("claims systems",),
    consumers=("inference",),
    partitions=CASE_PARTITIONS,
)
CASES_REJECTED = Topic(events.CaseRejected, producers=("inference",), partitions=CASE_PARTITIONS)
PREDICTIONS_MADE = Topic(
    events.PredictionMade,
    producers=("inference",),
    consumers=("confidence_filter", "promoter", "review_queue"),
    partitions=CASE_PARTITIONS,
)
REVIEWS_REQUESTED = Topic(
    events.ReviewRequested,
    producers=("confidence_filter",),
    consumers=("review_queue",),
    recovered_by=("confidence_filter",),
    partitions=CASE_PARTITIONS,
)
REVIEWS_COMPLETED = Topic(
    events.ReviewCompleted,
    producers=("review_queue",),
    consumers=("dataset_accumulator", "review_queue"),
    recovered_by=("review_queue",),
    partitions=CASE_PARTITIONS,
)
DECISIONS_MADE = Topic(
    events.DecisionMade,
    producers=("confidence_filter", "review_queue"),
    consumers=("dataset_accumulator", "review_queue"),
    recovered_by=("confidence_filter",),
    partitions=CASE_PARTITIONS,
)
DECISIONS_CORRECTED = Topic(
    events.DecisionCorrected,
    producers=("review_queue",),
    consumers=("dataset_accumulator", "review_queue"),
    recovered_by=("review_queue",),
    partitions=CASE_PARTITIONS,
)
DATASETS_RELEASED = Topic(
    events.DatasetReleased,
    producers=("dataset_accumulator",),
    consumers=("trainer",),
    readers=("dataset_accumulator",),
)
TRAININGS_PROGRESSED = Topic(events.TrainingProgressed, producers=("trainer",), retention_days=30)
MODELS_TRAINED = Topic(
    events.ModelTrained,
    producers=("trainer",),
    consumers=("evaluator",),
    readers=("promoter", "trainer"),
)
MODELS_EVALUATED = Topic(events.ModelEvaluated, producers=("evaluator",), consumers=("promoter",))
ROLLOUTS_CHANGED = Topic(
    events.RolloutChanged,
    producers=("promoter",),
    readers=("inference", "confidence_filter", "evaluator", "promoter"),
    compacted=True,
)
ROLLOUTS_APPLIED = Topic(
    events.RolloutsApplied,
    producers=("inference", "confidence_filter", "evaluator"),
    readers=("promoter",),
    retention_days=1,
)

TOPICS: tuple[Topic, ...] = (
    CASES_SUBMITTED,
    CASES_REJECTED,
    PREDICTIONS_MADE,
    REVIEWS_REQUESTED,
    REVIEWS_COMPLETED,
    DECISIONS_MADE,
    DECISIONS_CORRECTED,
    DATASETS_RELEASED,
    TRAININGS_PROGRESSED,
    MODELS_TRAINED,
    MODELS_EVALUATED,
    ROLLOUTS_CHANGED,
    ROLLOUTS_APPLIED,
)

_BY_EVENT = {topic.event: topic for topic in TOPICS}


def topic_of(event: Event) -> Topic:
    """The topic that this event belongs on."""
    return _BY_EVENT[type(event)]


def dead_letter_topic(topic: str, group: str) -> str:
    """Where records go that `group` cannot process."""
    return f"{topic}.{group}.dlq"


def dead_letter_topics() -> tuple[str, ...]:
    return tuple(
        dead_letter_topic(topic.name, group) for topic in TOPICS for group in topic.consumers
    )


def required_topics(service: str | None = None) -> tuple[RequiredTopic, ...]:
    """What has to exist, or what of it `service` publishes, reads or buries in dead letters."""
    used = [
        topic
        for topic in TOPICS
        if service is None or service in (*topic.producers, *topic.consumers, *topic.readers)
    ]
    letters = [
        dead_letter_topic(topic.name, group)
        for topic in used
        for group in topic.consumers
        if service in (None, group)
    ]
    config = {"max.message.bytes": str(DEAD_LETTER_LIMIT_BYTES), **_kept(EVIDENCE_DAYS)}
    return (
        *(topic.required for topic in used),
        *(RequiredTopic(name, 1, config) for name in letters),
    )


def create_topics(bootstrap: str, *, replication: int = 1) -> list[str]:
    """Create the topics that are missing and return their names. Safe to repeat."""
    from kafka.admin import KafkaAdminClient, NewTopic

    client = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id="caseloop-topics")
    try:
        # What is confirmed then lies on two brokers at least, where there are three.
        copies = {"min.insync.replicas": str(replication - 1)} if replication > 1 else {}
        existing = set(client.list_topics())
        missing = [topic for topic in required_topics() if topic.name not in existing]
        if missing:
            client.create_topics(
                [
                    NewTopic(
                        topic.name,
                        num_partitions=topic.partitions,
                        replication_factor=replication,
                        topic_configs={**topic.config, **copies},
                    )
                    for topic in missing
                ]
            )
        return [topic.name for topic in missing]
    finally:
        client.close()
