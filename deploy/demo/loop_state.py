"""Everything the demonstration knows of the running system: read from its topics as they grow."""

import asyncio
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Set
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import Rejected
from shared.events import (
    CaseSubmitted,
    DatasetReleased,
    DecisionMade,
    Event,
    ModelEvaluated,
    PredictionMade,
    ReviewCompleted,
    ReviewRequested,
    RolloutChanged,
    TrainingProgressed,
)
from shared.messaging.encoding import decode
from shared.messaging.topics import DECISIONS_MADE, READ_COMMITTED, TOPICS, Topic
from shared.tasks import get_task

_BY_NAME = {topic.name: topic for topic in TOPICS}


@dataclass
class LoopState:
    """The loop of one task, counted by identity: an event that comes twice counts once.

    `own` are the case ids that the demonstration submits. Cases that somebody else hands in are
    watched like all others, but nobody plays the expert for them, so none is waited for.
    """

    task: str
    own: Set[str]
    submitted: set[str] = field(default_factory=set)
    predicted: set[str] = field(default_factory=set)
    answered_by: Counter[str] = field(default_factory=Counter)
    review_reasons: dict[str, str] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    # By case and content. What is sent again has the same bytes, a second decision has not,
    # although its `event_id`, which follows from the case, is the same.
    decisions: dict[str, dict[str, DecisionMade]] = field(default_factory=lambda: defaultdict(dict))
    unreadable: set[str] = field(default_factory=set)  # decisions, by content
    against_members: set[str] = field(default_factory=set)  # a model's, by content
    releases: dict[str, DatasetReleased] = field(default_factory=dict)
    training: TrainingProgressed | None = None
    evaluations: dict[str, ModelEvaluated] = field(default_factory=dict)
    rollout: RolloutChanged | None = None
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def accepted(self) -> int:
        return sum(d.decided_by == "model" for ds in self.decisions.values() for d in ds.values())

    @property
    def decided_by_experts(self) -> int:
        """Cases, each of which becomes a label."""
        return sum(
            any(d.decided_by == "human" for d in versions.values())
            for versions in self.decisions.values()
        )

    @property
    def decided(self) -> int:
        return len(self.decisions.keys() & self.own)

    @property
    def lost(self) -> int:
        return len(self.submitted - self.decisions.keys())

    @property
    def doubled(self) -> int:
        return sum(len(versions) > 1 for versions in self.decisions.values())

    @property
    def adverse_automatic(self) -> int:
        """Decisions of a model against the member: must be none."""
        return len(self.against_members)

    @property
    def champion(self) -> str | None:
        champion = self.rollout.champion if self.rollout else None
        return champion.version if champion else None

    def read(self, topic: Topic, value: bytes | None) -> None:
        """Count a record. Of one that is no event, the services make a dead letter."""
        content = hashlib.sha256(value or b"").hexdigest()
        if topic is DECISIONS_MADE and _against_a_member(value, self.task):
            self.against_members.add(content)
        try:
            event = decode(value, topic.event)
        except Rejected:
            if topic is DECISIONS_MADE:
                self.unreadable.add(content)
            return
        if isinstance(event, DecisionMade):
            if event.task == self.task:
                self.decisions[event.case_id][content] = event
        else:
            self._count(event)

    def _count(self, event: Event) -> None:
        match event:
            case CaseSubmitted(task=self.task):
                self.submitted |= {event.case_id} & self.own
            case PredictionMade() if event.case.task == self.task:
                if event.case.case_id not in self.predicted:
                    self.answered_by[event.answering_version or "nobody"] += 1
                self.predicted.add(event.case.case_id)
            case ReviewRequested() if event.case.task == self.task:
                self.review_reasons[event.case.case_id] = event.reason
            case ReviewCompleted() if event.case.task == self.task:
                self.completed.add(event.review_id)
            case DatasetReleased(task=self.task):
                self.releases[event.dataset_version] = event
            case TrainingProgressed(task=self.task):
                self.training = event
            case ModelEvaluated(task=self.task):
                self.evaluations[event.natural_key] = event
            case RolloutChanged(task=self.task):
                if self.rollout is None or event.revision > self.rollout.revision:
                    self.rollout = event
            case _:
                return


def _against_a_member(value: bytes | None, task: str) -> bool:
    """Whether a record says that a model decided against the member.

    It is looked at as it stands: an event that must not be is refused before it can be counted.
    """
    try:
        content = json.loads(value or b"")
        return (
            content["task"] == task
            and content["decided_by"] == "model"
            and get_task(task).is_adverse(content["label"])
        )
    except (ValueError, LookupError, TypeError, Rejected):
        return False  # then it is unreadable, and counted as that


async def follow_topics(loop: LoopState, bootstrap: list[str]) -> None:
    """Read every topic from its beginning and follow it, forever."""
    while True:
        try:
            await _follow(loop, bootstrap)
        except (KafkaError, OSError):
            await asyncio.sleep(1)


async def _follow(loop: LoopState, bootstrap: list[str]) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=READ_COMMITTED,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(t.name, n) for t in TOPICS for n in range(t.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        while True:
            if not loop.caught_up.is_set() and await _reached(consumer, ends):
                loop.caught_up.set()
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    loop.read(_BY_NAME[record.topic], record.value)
    finally:
        await consumer.stop()


async def _reached(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            return False
    return True
