"""After PostgreSQL was restored from a backup: have the services read again what came since.

Their offsets in Kafka stand ahead of the restored tables, and what lies between would be lost. The
groups go back to a time, never forward; natural keys make what is known already count once. Where a
service's own topics hold what it said since is written down for it: of those topics it believes no
record that its tables do not know.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import asyncpg
import httpx
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from deploy.cli.client import System
from shared.errors import Conflict, Rejected, Transient
from shared.messaging.readers.spans import Span
from shared.messaging.topics import READ_COMMITTED, TOPICS
from shared.services import SERVICES
from shared.storage.database import AWAY

Offsets = Mapping[TopicPartition, OffsetAndMetadata]

_JOIN_SECONDS = 120.0  # members that were killed are missed for a while
_POLL_MS, _QUIET_POLLS = 500, 3
_DECLARE = """
INSERT INTO {schema}.recoveries AS known (topic, partition, first_offset, end_offset)
VALUES ($1, $2, $3, $4) ON CONFLICT (topic, partition) DO UPDATE
SET first_offset = least(known.first_offset, excluded.first_offset),
    end_offset = greatest(known.end_offset, excluded.end_offset)
"""
_TOPICS = {topic.name: topic for topic in TOPICS}
_MARGIN = timedelta(seconds=2)  # some brokers know the time of a record to the second only


@dataclass(frozen=True)
class Rewind:
    """A partition of which a group reads some records again."""

    group: str
    partition: TopicPartition
    committed: int
    target: int

    @property
    def records(self) -> int:
        return self.committed - self.target


def parse_time(text: str) -> datetime:
    """An ISO time; without an offset it is this machine's."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise Rejected(
            "must be an ISO time, such as 2026-11-27T22:00 or 2026-11-27T22:00:00+00:00",
            field="--since",
        ) from None


def refuse_while_running(system: System) -> None:
    """`Conflict` if a service answers: it would go on from where it is."""
    if running := [service for service in SERVICES if _answers(system, service)]:
        raise Conflict(f"stop the services first (make down); these run: {', '.join(running)}")


def plan(bootstrap: list[str], since: datetime) -> list[Rewind]:
    """What every group would read again to be complete since that time."""
    milliseconds = int((since - _MARGIN).timestamp() * 1000)
    return [
        rewind
        for group in _groups()
        for rewind in _plan_of(bootstrap, group, milliseconds)
        if rewind.records > 0
    ]


def carry_out(bootstrap: list[str], rewinds: Sequence[Rewind]) -> None:
    """Move the offsets back; `Conflict` if a group has members that live."""
    targets: dict[str, dict[TopicPartition, OffsetAndMetadata]] = defaultdict(dict)
    for rewind in rewinds:
        targets[rewind.group][rewind.partition] = OffsetAndMetadata(rewind.target, "", -1)
    with ThreadPoolExecutor(len(targets) or 1) as pool:  # joining a group takes a while
        list(pool.map(partial(_commit, bootstrap), targets.keys(), targets.values()))


def own_spans(bootstrap: list[str], since: datetime) -> Mapping[str, Sequence[Span]]:
    """By service: of the topics that it takes over, what was said since that time."""
    spans = _spans_since(bootstrap, since)
    services = sorted({service for topic in TOPICS for service in topic.recovered_by})
    return {
        service: [span for span in spans if service in _TOPICS[span.topic].recovered_by]
        for service in services
    }


def _spans_since(bootstrap: list[str], since: datetime) -> Sequence[Span]:
    milliseconds = int((since - _MARGIN).timestamp() * 1000)
    with _consumer(bootstrap, group=None) as consumer:
        partitions = [
            TopicPartition(topic.name, number)
            for topic in TOPICS
            if topic.recovered_by
            for number in sorted(consumer.partitions_for_topic(topic.name) or ())
        ]
        found = consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
        ends = _true_ends(consumer, partitions)
    return [
        Span(each.topic, each.partition, first.offset, ends[each])
        for each in partitions
        if (first := found.get(each)) is not None and first.offset < ends[each]
    ]


def _true_ends(
    consumer: KafkaConsumer, partitions: Sequence[TopicPartition]
) -> Mapping[TopicPartition, int]:
    """Some brokers say an end that is too low: what lies behind it is read, until nothing comes."""
    consumer.assign(partitions)
    for partition, end in consumer.end_offsets(partitions).items():
        consumer.seek(partition, end)
    quiet = 0
    while quiet < _QUIET_POLLS:
        quiet = 0 if consumer.poll(timeout_ms=_POLL_MS) else quiet + 1
    return {partition: consumer.position(partition) for partition in partitions}


async def declare(database_url: str, spans: Mapping[str, Sequence[Span]]) -> None:
    """Let each service take its spans over when it starts next. `Rejected` if there is nowhere to
    write them, `Transient` if PostgreSQL is away."""
    try:
        connection = await asyncpg.connect(database_url, timeout=10)
    except AWAY as error:
        raise Transient(f"PostgreSQL is unavailable: {type(error).__name__}") from error
    try:
        async with connection.transaction():
            for service, own in spans.items():
                await connection.executemany(
                    _DECLARE.format(schema=service),
                    [(each.topic, each.partition, each.first, each.end) for each in own],
                )
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError) as error:
        raise Rejected(
            "a service's tables are not prepared, or DATABASE_URL is not their owner's: "
            "run `python -m deploy.prepare` with the owner's first"
        ) from error
    finally:
        await connection.close()


def _commit(bootstrap: list[str], group: str, targets: Offsets) -> None:
    """As the group's only member: some brokers refuse offsets of somebody who has not joined."""
    with _consumer(bootstrap, group) as consumer:
        consumer.subscribe(sorted({partition.topic for partition in targets}))
        deadline = time.monotonic() + _JOIN_SECONDS
        while not targets.keys() <= consumer.assignment():
            if time.monotonic() > deadline:
                raise Conflict(f"somebody else reads as {group}: stop all of its processes first")
            consumer.poll(timeout_ms=500, max_records=1)
        consumer.commit(targets)


def _groups() -> list[str]:
    return sorted({group for topic in TOPICS for group in topic.consumers})


def _plan_of(bootstrap: list[str], group: str, milliseconds: int) -> Iterator[Rewind]:
    with _consumer(bootstrap, group) as consumer:
        partitions = [
            TopicPartition(topic.name, number)
            for topic in TOPICS
            if group in topic.consumers
            for number in sorted(consumer.partitions_for_topic(topic.name) or ())
        ]
        found = consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
        for partition in partitions:
            committed, first = consumer.committed(partition), found.get(partition)
            if committed is not None and first is not None:
                yield Rewind(group, partition, committed, first.offset)


@contextmanager
def _consumer(bootstrap: list[str], group: str | None) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        isolation_level=READ_COMMITTED,
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _answers(system: System, service: str) -> bool:
    try:
        httpx.get(f"{system.url(service)}/health/live", timeout=3)
    except httpx.TransportError:
        return False
    return True
