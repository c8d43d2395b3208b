"""Reads work topics partition by partition, so that one that cannot be read costs no other.

A batch may not unpack: a byte has changed, its codec is unknown. The library's `getmany` then
throws away what it had drained of other partitions, and their next commit passes over it. Here
such a partition is set aside, says so in the health, and is tried again from where it stood.
"""

import time
from contextlib import suppress
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    IllegalStateError,
    KafkaError,
    UnsupportedCodecError,
)

from shared.health import Health
from shared.telemetry import logger

Records: TypeAlias = list[ConsumerRecord[Any, Any]]

_ASIDE_SECONDS = 10.0
_NO_PARTITION = TopicPartition("", 0)  # never assigned, so that nothing is read of it


def does_not_unpack(error: Exception) -> bool:
    """Whether it is a matter of the records: codecs raise what they like."""
    if isinstance(error, CorruptRecordException | UnsupportedCodecError):
        return True
    return not isinstance(error, KafkaError | ConsumerStoppedError)


class PartitionReader(AIOKafkaConsumer):  # type: ignore[misc]  # untyped
    """A consumer that passes over nothing. `aside` says until when a partition is left alone."""

    def __init__(self, health: Health, **options: Any) -> None:
        super().__init__(**options)
        self.aside: dict[TopicPartition, float] = {}
        self._health = health
        self._turn = 0

    async def getmany(
        self, *_: TopicPartition, max_records: int, **__: Any
    ) -> dict[TopicPartition, Records]:
        """What has been fetched, at most `max_records`; never waits for more."""
        batches: dict[TopicPartition, Records] = {}
        room = max_records
        partitions = self._partitions_in_turn()
        if not partitions:  # the group must see that it asks, and errors of the group be raised
            await super().getmany(_NO_PARTITION, max_records=1)
        try:
            for partition in partitions:
                if records := await self._read(partition, room):
                    batches[partition] = records
                    room -= len(records)
                if not room:
                    break
        except KafkaError:
            for partition in batches.keys() & self.assignment():
                self.seek(partition, batches[partition][0].offset)
            raise
        return batches

    def _partitions_in_turn(self) -> list[TopicPartition]:
        """The partitions that are not aside, another one first each time: none starves."""
        assigned = sorted(self.assignment())
        for gone in self.aside.keys() - set(assigned):
            self._put_back(gone)
        present = [p for p in assigned if self.aside.get(p, 0.0) <= time.monotonic()]
        self._turn += 1
        first = self._turn % max(1, len(present))
        return present[first:] + present[:first]

    async def _read(self, partition: TopicPartition, room: int) -> Records:
        try:
            batches = await super().getmany(partition, max_records=room)
        except Exception as error:
            if not does_not_unpack(error):
                raise
            await self._set_aside(partition, error)
            return []
        records: Records = batches.get(partition, [])
        if records:
            self._put_back(partition)
        return records

    async def _set_aside(self, partition: TopicPartition, error: Exception) -> None:
        """Fetch from the same place again: what was unpacked before the error was not given out."""
        self.aside[partition] = time.monotonic() + _ASIDE_SECONDS
        with suppress(IllegalStateError):  # it has just gone to another process
            offset = await self.position(partition)
            self.seek(partition, offset)
            reason = f"cannot be unpacked from offset {offset} on: {type(error).__name__}"
            self._health.waiting(_part(partition), reason)
            logger.error("set aside", part=_part(partition), reason=reason)

    def _put_back(self, partition: TopicPartition) -> None:
        self.aside.pop(partition, None)
        self._health.ready(_part(partition))


def _part(partition: TopicPartition) -> str:
    return f"read {partition.topic}/{partition.partition}"
