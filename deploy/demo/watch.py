"""Everything the demonstration knows of the running system: read from its topics as they grow."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.encoding import decode
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
from shared.topics import TOPICS

_BY_NAME = {topic.name: topic for topic in TOPICS}


@dataclass
class Loop:
    """The loop of one task, counted by identity: an event that comes twice counts once."""

    task: str
    submitted: set[str] = field(default_factory=set)
    predicted: set[str] = field(default_factory=set)
    answered_by: Counter[str] = field(default_factory=Counter)
    review_reasons: dict[str, str] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    decisions: dict[str, dict[str, DecisionMade]] = field(default_factory=lambda: defaultdict(dict))
    releases: dict[str, DatasetReleased] = field(default_factory=dict)
    training: TrainingProgressed | None = None
    evaluations: dict[str, ModelEvaluated] = field(default_factory=dict)
    rollout: RolloutChanged | None = None
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def accepted(self) -> int:
        return sum(d.decided_by == "model" for ds in self.decisions.values() for d in ds.values())

    @property
    def lost(self) -> int:
        return len(self.submitted - self.decisions.keys())

    @property
    def doubled(self) -> int:
        return sum(len(found) > 1 for found in self.decisions.values())

    @property
    def adverse_automatic(self) -> int:
        """Cases that a model decided against the member: must be none."""
        return sum(
            decision.adverse and decision.decided_by == "model"
            for found in self.decisions.values()
            for decision in found.values()
        )

    @property
    def champion(self) -> str | None:
        champion = self.rollout.champion if self.rollout else None
        return champion.version if champion else None

    def take(self, event: Event) -> None:
        match event:
            case CaseSubmitted(task=self.task):
                self.submitted.add(event.case_id)
            case PredictionMade() if event.case.task == self.task:
                if event.case.case_id not in self.predicted:
                    self.answered_by[event.answering_version or "nobody"] += 1
                self.predicted.add(event.case.case_id)
            case ReviewRequested() if event.case.task == self.task:
                self.review_reasons[event.case.case_id] = event.reason
            case ReviewCompleted() if event.case.task == self.task:
                self.completed.add(event.review_id)
            case DecisionMade(task=self.task):
                self.decisions[event.case_id][str(event.event_id)] = event
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


async def watch(loop: Loop, bootstrap: list[str]) -> None:
    """Read every topic from its beginning and follow it, for ever."""
    while True:
        try:
            await _follow(loop, bootstrap)
        except (KafkaError, OSError):
            await asyncio.sleep(1)


async def _follow(loop: Loop, bootstrap: list[str]) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
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
                    try:
                        loop.take(decode(record.value, _BY_NAME[record.topic].event))
                    except Rejected:
                        continue  # the services make a dead letter of it
    finally:
        await consumer.stop()


async def _reached(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            return False
    return True
