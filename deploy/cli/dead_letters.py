"""Dead letters from a terminal: list them, look at one, send it back where it came from."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import MessageSizeTooLargeError

from shared.messaging.dead_letters import DeadLetter
from shared.messaging.topics import (
    DEAD_LETTER_LIMIT_BYTES,
    READ_COMMITTED,
    dead_letter_topics,
)

_GROUP = "caseloop-dead-letters"  # remembers up to where `replay_new` came
_REPLAYED_FROM = "dead_letter_replayed_from"


@dataclass(frozen=True)
class StoredLetter:
    """A dead letter and where it lies."""

    partition: TopicPartition
    offset: int
    letter: DeadLetter

    @property
    def location(self) -> str:
        return f"{self.partition.topic}/{self.partition.partition}/{self.offset}"


@dataclass(frozen=True)
class ReplayResult:
    """What became of a replay: `refused` says why the record was not sent back, if it was not."""

    stored: StoredLetter
    refused: str | None


def read_dead_letters(bootstrap: list[str]) -> Iterator[StoredLetter]:
    """Every dead letter there is."""
    with _open_consumer(bootstrap) as (consumer, partitions):
        if partitions:
            consumer.seek_to_beginning(*partitions)
        yield from _letters(consumer, partitions)


def find(bootstrap: list[str], location: str) -> StoredLetter | None:
    return next(
        (stored for stored in read_dead_letters(bootstrap) if stored.location == location), None
    )


def replay(bootstrap: list[str], letters: Iterable[StoredLetter]) -> Iterator[ReplayResult]:
    """Send records back to their topics, bytes, key and headers as they were, one by one."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=False,
        max_request_size=DEAD_LETTER_LIMIT_BYTES,
    )
    try:
        for stored in letters:
            yield ReplayResult(stored, _refused(producer, stored))
    finally:
        producer.close()


def _refused(producer: KafkaProducer, stored: StoredLetter) -> str | None:
    letter = stored.letter
    if letter.not_kept:
        return _not_kept(letter)
    if letter.key is None and letter.value is None:
        return "it has neither key nor value, and kafka-python sends no such record"
    headers = [(n, v) for n, v in letter.headers if n != _REPLAYED_FROM]
    try:
        producer.send(
            letter.topic,
            key=letter.key,
            value=letter.value,
            headers=[*headers, (_REPLAYED_FROM, stored.location.encode())],
        ).get(timeout=30)
    except MessageSizeTooLargeError as error:
        return f"Kafka refused it: {error}"
    return None


def _not_kept(letter: DeadLetter) -> str:
    return (
        f"the record was too large to keep ({letter.not_kept}); it lies at {_origin(letter)} "
        "until the topic's retention ends"
    )


def _origin(letter: DeadLetter) -> str:
    return f"{letter.topic}/{letter.partition}/{letter.offset}"


def replay_new(bootstrap: list[str]) -> Iterator[ReplayResult]:
    """Send back what came since the last time; after an interruption, what was not sent yet."""
    with _open_consumer(bootstrap) as (consumer, partitions):
        until = {partition: consumer.position(partition) for partition in partitions}
        try:
            for result in replay(bootstrap, _letters(consumer, partitions)):
                until[result.stored.partition] = result.stored.offset + 1
                yield result
        finally:
            # All of them, also those without news: Kafka forgets offsets that nobody renews.
            if until:
                consumer.commit({p: OffsetAndMetadata(n, "", -1) for p, n in until.items()})


@contextmanager
def _open_consumer(
    bootstrap: list[str],
) -> Iterator[tuple[KafkaConsumer, Sequence[TopicPartition]]]:
    """A consumer of the partitions that have letters, at where `replay_new` came to."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=_GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=2 * DEAD_LETTER_LIMIT_BYTES,
        isolation_level=READ_COMMITTED,
    )
    try:
        every = [TopicPartition(topic, 0) for topic in dead_letter_topics()]
        ends = consumer.end_offsets(every)
        filled = [partition for partition in every if ends[partition] > 0]
        consumer.assign(filled)
        yield consumer, filled
    finally:
        consumer.close()


def _letters(
    consumer: KafkaConsumer, partitions: Sequence[TopicPartition]
) -> Iterator[StoredLetter]:
    """The letters from where the consumer stands to the present end."""
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for partition, records in consumer.poll(timeout_ms=500).items():
            for record in records:
                letter = DeadLetter.read(record.key, record.value, dict(record.headers))
                yield StoredLetter(partition, record.offset, letter)


def describe(stored: StoredLetter) -> str:
    """A dead letter in full, readable where it is text."""
    letter = stored.letter
    content = _not_kept(letter) if letter.not_kept else _readable(letter.value or b"")
    headers = "\n".join(f"  {n}: {v.decode(errors='backslashreplace')}" for n, v in letter.headers)
    return (
        f"{stored.location}\n"
        f"origin   {_origin(letter)}\n"
        f"group    {letter.group}\n"
        f"failed   {letter.failed_at}\n"
        f"error    {letter.error_type}: {letter.error}\n"
        f"key      {(letter.key or b'').decode(errors='backslashreplace')}\n"
        f"headers\n{headers}\n\n{content}"
    )


def _readable(value: bytes) -> str:
    text = value.decode(errors="backslashreplace")
    try:
        return json.dumps(json.loads(text), indent=2)
    except ValueError:
        return text[:4000]
