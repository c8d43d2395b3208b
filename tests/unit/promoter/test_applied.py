"""An order is applied once every process that decides obeys it; who does not is named."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from services.promoter.applied import FORGOTTEN_SECONDS, Applied
from shared.events import RolloutsApplied
from tests.support.builders.events import NOW

TASK = "adjudication"


@dataclass
class Record:
    value: bytes | None
    offset: int = 0


@dataclass
class World:
    now: float = 1000.0
    applied: Applied = field(init=False)

    def __post_init__(self) -> None:
        self.applied = Applied(clock=lambda: self.now)

    async def say(self, service: str, process: str, revision: int, **more: Any) -> None:
        said = RolloutsApplied(
            occurred_at=NOW, service=service, process=process, revisions={TASK: revision}, **more
        )
        record: Any = Record(said.model_dump_json().encode())
        await self.applied.take(record)

    def waiting_for(self, revision: int) -> str:
        return " | ".join(self.applied.waiting_for(TASK, revision))


@pytest.fixture
async def world() -> World:
    found = World()
    await found.say("inference", "one", 7)
    await found.say("inference", "two", 7)
    await found.say("confidence_filter", "three", 7)
    return found


async def test_applied_is_what_everybody_obeys(world: World) -> None:
    assert world.waiting_for(7) == ""
    assert world.waiting_for(8).count("obeys revision 7") == 3


async def test_who_does_not_obey_is_named(world: World) -> None:
    for service, process in (("inference", "one"), ("confidence_filter", "three")):
        await world.say(service, process, 8)
    world.now += 30

    assert world.waiting_for(8) == "inference on two: obeys revision 7, heard 30 s ago"


async def test_a_higher_revision_is_not_obedience(world: World) -> None:
    """Somebody else's record may stand there."""
    await world.say("inference", "one", 1000)

    assert "inference on one: obeys revision 1000" in world.waiting_for(7)


async def test_who_was_never_heard_is_not_taken_for_obedient() -> None:
    assert World().waiting_for(1) == (
        "confidence_filter: no process has been heard | inference: no process has been heard"
    )


async def test_who_has_left_or_is_long_silent_is_not_waited_for(world: World) -> None:
    await world.say("inference", "one", 7, leaving=True)
    world.now += FORGOTTEN_SECONDS - 1
    await world.say("inference", "four", 8)
    await world.say("confidence_filter", "three", 8)
    assert "two" in world.waiting_for(8)

    world.now += 2
    assert world.waiting_for(8) == ""


@pytest.mark.parametrize("value", [None, b"", b"not json", b'{"service": "inference"}'])
async def test_a_record_that_cannot_be_read_says_nothing(world: World, value: bytes | None) -> None:
    record: Any = Record(value)
    await world.applied.take(record)

    assert world.waiting_for(7) == ""
