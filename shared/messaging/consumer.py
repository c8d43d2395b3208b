"""How one topic is worked off for one group, whatever its records are.

A batch that fails is halved until the record at fault stands alone: that one becomes a dead
letter, the others are processed. While an engine is unavailable, the batch waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from aiokafka import ConsumerRecord

from shared.errors import Rejected, Transient, words_of
from shared.events import Event
from shared.health import Health
from shared.messaging.dead_letters import DeadLetter, dead_letter_record
from shared.messaging.encoding import decode, encode
from shared.messaging.producer import Producer
from shared.messaging.topics import Topic
from shared.telemetry import CONSUMED, DEAD_LETTERED, HANDLING, logger

E = TypeVar("E", bound=Event)
RawRecord: TypeAlias = ConsumerRecord[Any, Any]
DecodedRecord: TypeAlias = tuple[RawRecord, Event]
Handler = Callable[[Sequence[E]], Awaitable[None]]
# The event that tells the sender of a record why it is a dead letter.
Rejection = Callable[[RawRecord, Exception], Event]

# So many records in a row may be bad before consumption waits for a human.
REJECTED_LIMIT = 1000
UNEXPECTED_LIMIT = 10
_LONGEST_WAIT_SECONDS = 5.0


@dataclass
class TopicConsumer:
    """How one topic is worked off for one group."""

    producer: Producer
    group: str
    health: Health
    topic: Topic
    event: type[Any]
    handle: Handler[Any]
    rejection: Rejection | None = None
    rejected: int = 0  # in a row
    unexpected: int = 0

    @property
    def part(self) -> str:
        return f"consume {self.topic.name}"

    async def process(self, records: Sequence[RawRecord]) -> None:
        """Return once each record is handled or a dead letter, however long that takes."""
        with HANDLING.labels(self.topic.name, self.group).time():
            decoded: list[DecodedRecord] = []
            for record in records:
                try:
                    decoded.append((record, self._decode(record)))
                except Rejected as error:
                    await self._dead_letter(record, error)
            if decoded:
                await self._handle_or_halve(decoded)
        self.health.ready(self.part)
        CONSUMED.labels(self.topic.name, self.group).inc(len(records))

    def _decode(self, record: RawRecord) -> Event:
        for _, value in record.headers:
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                raise Rejected("a value is not UTF-8", field="headers") from None
        event: Event = decode(record.value, self.event)
        return event

    async def _handle_or_halve(self, records: Sequence[DecodedRecord]) -> None:
        waiting = [records]
        while waiting:
            batch = waiting.pop()
            error = await self._handle(batch)
            if error is None:
                self.rejected = self.unexpected = 0
            elif len(batch) > 1:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
            elif self._is_at_fault(error):
                await self._dead_letter(batch[0][0], error)
            else:
                name = type(error).__name__  # its words may quote the record
                await self._pause(f"{self.unexpected} records in a row failed: {name}")
                waiting.append(batch)

    async def _handle(self, records: Sequence[DecodedRecord]) -> Exception | None:
        try:
            await self._retry_while_away(lambda: self.handle([event for _, event in records]))
        except Exception as error:  # noqa: BLE001 - every failure ends in a dead letter or a wait
            return error
        return None

    def _is_at_fault(self, error: Exception) -> bool:
        """A `Rejected` is the record's fault; too many other errors in a row are our own."""
        if isinstance(error, Rejected):
            return True
        self.unexpected += 1
        logger.error("unexpected", topic=self.topic.name, exc_info=error)
        return self.unexpected <= UNEXPECTED_LIMIT

    async def _retry_while_away(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, waiting as long as an engine is unavailable."""
        wait = 0.1
        while True:
            try:
                return await work()
            except Transient as error:
                self.health.waiting(self.part, str(error))
                logger.warning("waiting", topic=self.topic.name, reason=str(error), seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)

    async def _dead_letter(self, record: RawRecord, error: Exception) -> None:
        """Publish the dead letter. Too many in a row mean that not the records are at fault."""
        self.rejected += 1
        while self.rejected > REJECTED_LIMIT:
            await self._pause(f"{self.rejected} dead letters in a row, last: {words_of(error)}")
        letter = DeadLetter.of(record, group=self.group, error=error)
        await self._retry_while_away(lambda: self._send_letter(letter))
        if self.rejection is not None:
            told = encode(self.rejection(record, error), source=self.group)
            await self._retry_while_away(lambda: self.producer.send([told]))
        DEAD_LETTERED.labels(self.topic.name, self.group).inc()
        logger.warning(
            "dead letter", topic=record.topic, offset=record.offset, error=type(error).__name__
        )

    async def _send_letter(self, letter: DeadLetter) -> None:
        """A record that came compressed may be too large for its dead letter."""
        why = ""
        for possible in (letter, letter.without_content()):
            try:
                return await self.producer.send([dead_letter_record(possible)])
            except Rejected as error:
                why = str(error)
        raise Transient(f"the dead letters are refused: {why}")

    async def _pause(self, reason: str) -> None:
        self.health.waiting(self.part, f"consumption stopped: {reason}")
        await asyncio.sleep(_LONGEST_WAIT_SECONDS)
