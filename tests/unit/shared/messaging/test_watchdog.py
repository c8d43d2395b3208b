"""When a consumer is left alone, and when it has stopped reading, look by look."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaConnectionError

from shared.messaging.watchdog import Watchdog

P, Q = TopicPartition("cases.submitted.v1", 0), TopicPartition("cases.submitted.v1", 1)
READ_ALL, BEHIND, AWAY, REVOKED, BROKEN, UNASSIGNED = range(6)


class Left(Exception):
    """The watchdog has had enough."""


class Over(Exception):
    """The last look that a test provides for."""


class Consumer:
    """Answers as the consumer does in one state after the other, a state a look."""

    def __init__(self, states: Sequence[int]) -> None:
        self.states: Iterator[int] = iter(states)
        self.state = READ_ALL
        self.assigned = frozenset({P})
        self.aside: dict[TopicPartition, float] = {}

    def assignment(self) -> frozenset[TopicPartition]:
        return self.assigned

    async def end_offsets(self, partitions: frozenset[TopicPartition]) -> dict[TopicPartition, int]:
        try:
            self.state = next(self.states)
        except StopIteration:
            raise Over from None
        if self.state == AWAY:
            raise KafkaConnectionError
        return dict.fromkeys(partitions, 10)

    async def topics(self) -> set[str]:
        return set(await self.end_offsets(frozenset()))

    async def position(self, _: TopicPartition) -> int:
        if self.state == REVOKED:
            self.assigned = frozenset({Q})
        if self.state in {REVOKED, BROKEN}:
            raise IllegalStateError
        return 10 if self.state == READ_ALL else 7


def watched(states: Sequence[int]) -> Watchdog:
    """A watchdog that sees this, look by look; it ends with `Left`, or `Over`."""

    def leave() -> None:
        raise Left

    subscriber = SimpleNamespace(consumer=Consumer(states))
    return Watchdog("a-group", subscriber, leave, look_seconds=0.0, patience=3)


@pytest.mark.parametrize(
    "states",
    [
        [READ_ALL] * 9,
        [AWAY] * 9,
        [BEHIND, BEHIND, READ_ALL] * 3,
        [BEHIND, BEHIND, AWAY] * 3,
        [REVOKED, BEHIND, BEHIND],
    ],
    ids=["nothing to read", "Kafka is unavailable", "slow", "Kafka comes and goes", "rebalanced"],
)
async def test_who_does_what_he_can_is_left_alone(states: Sequence[int]) -> None:
    watchdog = watched(states)

    with pytest.raises(Over):
        await watchdog.run()


@pytest.mark.parametrize("state", [BEHIND, BROKEN], ids=["stopped", "broken"])
async def test_who_has_stopped_reading_is_not(state: int) -> None:
    watchdog = watched([READ_ALL, *[state] * 3])

    with pytest.raises(Left):
        await watchdog.run()


async def test_who_works_long_is_left_alone() -> None:
    watchdog = watched([BEHIND] * 9)

    with watchdog.at_work(), pytest.raises(Over):
        await watchdog.run()


async def test_a_partition_that_is_set_aside_is_no_reason_to_leave() -> None:
    watchdog = watched([BEHIND] * 9)
    watchdog.subscriber.consumer.aside = {P: 0.0}

    with pytest.raises(Over):
        await watchdog.run()


async def test_before_there_is_a_consumer_nothing_is_amiss() -> None:
    watchdog = watched([])
    for consumer in (None, SimpleNamespace(assignment=frozenset)):
        watchdog.subscriber = SimpleNamespace(consumer=consumer)
        assert not await watchdog._records_wait()


async def test_who_has_dropped_out_of_the_group_is_not() -> None:
    watchdog = watched([READ_ALL, *[BEHIND] * 3])
    assert not await watchdog._records_wait()
    watchdog.subscriber.consumer.assigned = frozenset()

    with pytest.raises(Left):
        await watchdog.run()


async def test_who_gets_no_partition_while_kafka_is_away_is_left_alone() -> None:
    watchdog = watched([READ_ALL, *[AWAY] * 9])
    assert not await watchdog._records_wait()
    watchdog.subscriber.consumer.assigned = frozenset()

    with pytest.raises(Over):
        await watchdog.run()
