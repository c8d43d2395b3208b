"""A follower knows when it has read all there is: neither earlier nor never."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException

from shared.health import Health
from shared.messaging.readers import following as module
from shared.messaging.readers.following import Follower
from shared.messaging.topics import ROLLOUTS_CHANGED
from shared.settings import EngineSettings
from tests.support.patience import PATIENCE_SECONDS

NAME = ROLLOUTS_CHANGED.name


@dataclass
class Broker:
    """A topic's records by partition. Those in `broken` do not unpack, until it has been tried
    `heals_after` times; the first `ends_too_low` answers are wrong."""

    partitions: dict[int, list[str]]
    broken: set[tuple[int, int]] = field(default_factory=set)
    heals_after: int | None = None
    ends_too_low: int = 0
    asked_for_ends: int = 0

    def consumer(self, **_: Any) -> "Consumer":
        return Consumer(self)


class Consumer:
    """What a follower uses of AIOKafkaConsumer."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.at: dict[TopicPartition, int] = {}

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self.at = dict.fromkeys(partitions, -1)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at[partition] = offset

    async def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        self.at |= dict.fromkeys(partitions, 0)

    async def position(self, partition: TopicPartition) -> int:
        return self.at[partition]

    def partitions_for_topic(self, _: str) -> set[int]:
        return set(self.broker.partitions)

    def last_stable_offset(self, _: TopicPartition) -> int | None:
        return None

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        self.broker.asked_for_ends += 1
        if self.broker.asked_for_ends <= self.broker.ends_too_low:
            return dict.fromkeys(partitions, 0)
        return {each: len(self.broker.partitions[each.partition]) for each in partitions}

    async def getmany(
        self, partition: TopicPartition, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[ConsumerRecord[Any, Any]]]:
        await asyncio.sleep(0.001)
        offset = self.at[partition]
        if (partition.partition, offset) in self.broker.broken and self._stays_broken():
            raise CorruptRecordException
        records = self.broker.partitions[partition.partition][offset : offset + max_records]
        self.at[partition] += len(records)
        return {partition: [_record(partition, offset, each) for each in records]}

    def _stays_broken(self) -> bool:
        if self.broker.heals_after is None:
            return True
        self.broker.heals_after -= 1
        return self.broker.heals_after >= 0


def _record(partition: TopicPartition, offset: int, value: str) -> "ConsumerRecord[Any, Any]":
    where = (partition.topic, partition.partition, offset)
    return ConsumerRecord(*where, 0, 0, None, value.encode(), None, 0, 0, ())


@dataclass
class Following:
    """A follower at work, what it has taken, and what its health says."""

    follower: Follower
    health: Health
    taken: list[str]

    async def takes(self, value: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while value not in self.taken:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def following(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, *, looks_for: float = PATIENCE_SECONDS
) -> AsyncIterator[Following]:
    """Once it has caught up."""
    monkeypatch.setattr(module, "AIOKafkaConsumer", broker.consumer)
    monkeypatch.setattr(module, "_LOOK_SECONDS", looks_for)
    taken: list[str] = []

    async def take(record: "ConsumerRecord[Any, Any]") -> None:
        taken.append(record.value.decode())

    health = Health()
    follower = Follower(
        EngineSettings(), health, ROLLOUTS_CHANGED, client_id="test", part="rollouts", take=take
    )
    running = asyncio.create_task(follower.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await follower.caught_up.wait()
        yield Following(follower, health, taken)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_an_end_that_was_told_too_low_is_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = Broker({0: ["a", "b"]}, ends_too_low=1)
    async with following(broker, monkeypatch) as found:
        assert found.taken == ["a", "b"]
        assert found.health.is_ready


async def test_what_never_unpacks_is_passed_over_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two records of one batch, behind others: neither costs what stands beside it."""
    broker = Broker({0: ["a", "b", "?", "?", "c"]}, broken={(0, 2), (0, 3)})
    async with following(broker, monkeypatch) as found:
        assert found.taken == ["a", "b", "c"]
        assert found.health.is_ready
        [alert] = found.health.alerts.items()
    assert alert[0] == f"read {NAME}/0"
    assert "offset 3: CorruptRecordException; passed over" in alert[1]


async def test_what_unpacks_when_it_is_fetched_again_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = Broker({0: ["a", "b"]}, broken={(0, 0)}, heals_after=2)
    async with following(broker, monkeypatch) as found:
        assert found.taken == ["a", "b"]
        assert found.health.alerts == {}


async def test_partitions_that_somebody_adds_are_read_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = Broker({0: ["a"]})
    async with following(broker, monkeypatch, looks_for=0.01) as found:
        broker.partitions |= {1: ["b"], 2: []}
        broker.partitions[0].append("c")
        await found.takes("b")
        await found.takes("c")
        broker.partitions[2].append("d")
        await found.takes("d")
        assert sorted(found.taken) == ["a", "b", "c", "d"]  # none of them twice
        [(part, alert)] = found.health.alerts.items()
    assert part == f"partitions of {NAME}"
    assert "has 3 partitions and must have 1" in alert


async def test_to_read_until_now_is_to_ask_for_the_end_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = Broker({0: ["a"]})
    async with following(broker, monkeypatch) as found:
        broker.partitions[0].append("b")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await found.follower.read_until_now()
        assert found.taken == ["a", "b"]
