"""Sends records to Kafka in batches of our own making, one confirmation per batch.

Records of a partition keep their order. `send` returns once all are confirmed by all replicas.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from shared.errors import Rejected, Transient
from shared.messaging.encoding import Record
from shared.messaging.topics import DEAD_LETTER_LIMIT_BYTES
from shared.settings import EngineSettings
from shared.telemetry import PUBLISHED

_BATCH_BYTES = 256 * 1024
_OVERHEAD_BYTES = 512  # what a batch adds around one record


class Producer:
    """The producing side of a service's connection to Kafka."""

    def __init__(self, settings: EngineSettings, *, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._choose_partition = DefaultPartitioner()
        self._producer: Any = None

    async def start(self) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap.split(","),
            client_id=self._client_id,
            enable_idempotence=self._settings.kafka_idempotence,
            acks="all",
            max_batch_size=DEAD_LETTER_LIMIT_BYTES,
            max_request_size=DEAD_LETTER_LIMIT_BYTES,
        )
        await self._producer.start()

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, records: Sequence[Record]) -> None:
        """Send and wait; `Transient` if Kafka does not confirm, `Rejected` if a record is too
        large."""
        if self._producer is None:
            raise Transient("Kafka is not connected yet")
        if (largest := max(map(_size, records), default=0)) > DEAD_LETTER_LIMIT_BYTES:
            raise Rejected(f"a record of {largest} bytes is larger than any topic takes")
        try:
            await asyncio.gather(*await self._submit(records))
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            raise Rejected("Kafka refused a record as too large") from error
        except KafkaError as error:
            raise Transient(f"Kafka did not confirm: {type(error).__name__}") from error
        for topic, count in Counter(record.topic for record in records).items():
            PUBLISHED.labels(topic).inc(count)

    async def _submit(self, records: Sequence[Record]) -> list["asyncio.Future[Any]"]:
        numbers_of = {
            topic: sorted(await self._producer.partitions_for(topic))
            for topic in {record.topic for record in records}
        }
        batches: dict[TopicPartition, list[Record]] = {}
        confirmations = []
        sizes: Counter[TopicPartition] = Counter()
        for record in records:
            numbers = numbers_of[record.topic]
            number = self._choose_partition(record.key, numbers, numbers)
            partition = TopicPartition(record.topic, number)
            size = _size(record)
            if partition in batches and sizes[partition] + size > _BATCH_BYTES:
                confirmations.append(await self._send_batch(partition, batches.pop(partition)))
                sizes[partition] = 0
            batches.setdefault(partition, []).append(record)
            sizes[partition] += size
        for partition, batch in batches.items():
            confirmations.append(await self._send_batch(partition, batch))
        return confirmations

    async def _send_batch(
        self, partition: TopicPartition, records: Sequence[Record]
    ) -> "asyncio.Future[Any]":
        builder = self._producer.create_batch()
        for record in records:
            headers = [(name, text.encode()) for name, text in record.headers.items()]
            builder.append(key=record.key, value=record.value, timestamp=None, headers=headers)
        builder.close()
        confirmation: asyncio.Future[Any] = await self._producer.send_batch(
            builder, partition.topic, partition=partition.partition
        )
        return confirmation


def _size(record: Record) -> int:
    headers = sum(len(name) + len(text) for name, text in record.headers.items())
    return len(record.key) + len(record.value) + headers + _OVERHEAD_BYTES
