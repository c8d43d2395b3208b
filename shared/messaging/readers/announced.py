"""The numbers of each task that were ever announced on a service's own topic.

A number stands for one content for ever. Tables that were restored from a backup do not know the
newest ones; the topic does, and is read to its end before a number is given.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence, Set
from typing import Any, Generic, TypeVar

from aiokafka import ConsumerRecord

from shared.errors import Rejected
from shared.events.models import LifecycleEvent
from shared.health import Health
from shared.messaging.encoding import decode
from shared.messaging.readers.following import Follower
from shared.messaging.topics import Topic
from shared.settings import EngineSettings
from shared.telemetry import logger

E = TypeVar("E", bound=LifecycleEvent)


class Announced(Generic[E]):
    """`number_of` is the number that an event announces; none if it is not one of ours."""

    def __init__(self, event: type[E], *, number_of: Callable[[E], int | None]) -> None:
        self._event = event
        self._number_of = number_of
        self._events: defaultdict[str, dict[int, list[E]]] = defaultdict(dict)
        self.read = asyncio.Event()

    def follower(
        self, settings: EngineSettings, health: Health, *, topic: Topic, service: str
    ) -> Follower:
        """What reads the topic, in a loop of its own."""
        return Follower(
            settings,
            health,
            topic,
            client_id=f"caseloop-{service}-announced",
            part="announced numbers",
            take=self.take,
            caught_up=self.read,
        )

    async def take(self, record: "ConsumerRecord[Any, Any]") -> None:
        """A record of the topic; one that cannot be read announces nothing."""
        try:
            event = decode(record.value, self._event)
        except Rejected as error:
            logger.warning("unreadable announcement", offset=record.offset, reason=str(error))
            return
        if (number := self._number_of(event)) is not None:
            self._events[event.task].setdefault(number, []).append(event)

    async def numbers(self, task: str) -> Set[int]:
        """Every number of the task, once the topic has been read."""
        await self.read.wait()
        return self._events[task].keys()

    def of_number(self, task: str, number: int) -> Sequence[E]:
        """What announced it; whether it is true is for the caller to find out."""
        return self._events[task].get(number, ())
