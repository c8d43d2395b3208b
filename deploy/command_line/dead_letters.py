"""Dead letters from a terminal: list them, look at one, send it back where it came from."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from shared.dead_letter import DeadLetter
from shared.topics import DEAD_LETTER_LIMIT_BYTES, dead_letter_topics

_GROUP = "caseloop-dead-letters"


@dataclass(frozen=True)
class Kept:
    """A dead letter and where it lies: `place` is topic/partition/offset."""

    place: str
    letter: DeadLetter


def kept_letters(bootstrap: list[str], *, only_new: bool = False) -> Iterator[Kept]:
    """Every dead letter there is; or only those that came after the last `replay_new`."""
    with _reading(bootstrap) as consumer:
        partitions = [TopicPartition(topic, 0) for topic in dead_letter_topics()]
        ends = consumer.end_offsets(partitions)
        filled = [partition for partition in partitions if ends[partition] > 0]
        consumer.assign(filled)
        if filled and not only_new:
            consumer.seek_to_beginning(*filled)
        while any(consumer.position(partition) < ends[partition] for partition in filled):
            for partition, records in consumer.poll(timeout_ms=500).items():
                for record in records:
                    place = f"{partition.topic}/{partition.partition}/{record.offset}"
                    headers = dict(record.headers)
                    yield Kept(place, DeadLetter.read(record.key, record.value, headers))


@contextmanager
def _reading(bootstrap: list[str]) -> Iterator[KafkaConsumer]:
    """A consumer of the group that remembers up to where `replay_new` came."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=_GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=2 * DEAD_LETTER_LIMIT_BYTES,
    )
    try:
        yield consumer
    finally:
        consumer.close()


def find(bootstrap: list[str], place: str) -> Kept | None:
    return next((kept for kept in kept_letters(bootstrap) if kept.place == place), None)


def replay_new(bootstrap: list[str]) -> int:
    """Send back what came since the last time, and remember up to where."""
    letters = list(kept_letters(bootstrap, only_new=True))
    sent = replay(bootstrap, letters)
    until: dict[TopicPartition, OffsetAndMetadata] = {}
    for kept in letters:
        topic, partition, offset = kept.place.split("/")
        until[TopicPartition(topic, int(partition))] = OffsetAndMetadata(int(offset) + 1, "", -1)
    if until:
        with _reading(bootstrap) as consumer:
            consumer.assign(until)
            consumer.commit(until)
    return sent


def replay(bootstrap: list[str], letters: list[Kept]) -> int:
    """Send records back to their topics, bytes, key and headers as they were."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=False,
        max_request_size=DEAD_LETTER_LIMIT_BYTES,
    )
    try:
        sent = [
            producer.send(
                kept.letter.topic,
                key=kept.letter.key,
                value=kept.letter.value,
                headers=[
                    *((n, v) for n, v in kept.letter.headers if n != "dead_letter_replayed_from"),
                    ("dead_letter_replayed_from", kept.place.encode()),
                ],
            )
            for kept in letters
        ]
        for future in sent:
            future.get(timeout=30)
    finally:
        producer.close()
    return len(sent)


def describe(kept: Kept) -> str:
    """A dead letter in full, readable where it is text."""
    letter = kept.letter
    value = (letter.value or b"").decode(errors="backslashreplace")
    try:
        value = json.dumps(json.loads(value), indent=2)
    except ValueError:
        value = value[:4000]
    headers = "\n".join(f"  {n}: {v.decode(errors='backslashreplace')}" for n, v in letter.headers)
    return (
        f"{kept.place}\n"
        f"origin   {letter.topic}/{letter.partition}/{letter.offset}\n"
        f"group    {letter.group}\n"
        f"failed   {letter.failed_at}\n"
        f"error    {letter.error_type}: {letter.error}\n"
        f"key      {(letter.key or b'').decode(errors='backslashreplace')}\n"
        f"headers\n{headers}\n\n{value}"
    )
