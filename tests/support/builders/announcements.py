"""Numbers that stand on a service's own topic, without the topic."""

from dataclasses import dataclass
from typing import Any, cast

from aiokafka import ConsumerRecord

from services.trainer.store import number_of
from shared.events import DatasetReleased, Event, ModelTrained
from shared.messaging.readers.announced import Announced


def read_releases() -> Announced[DatasetReleased]:
    """Read to its end, and empty; a test hands its `take` what stands on it."""
    announced = Announced(DatasetReleased, number_of=lambda released: released.number)
    announced.read.set()
    return announced


def read_models() -> Announced[ModelTrained]:
    announced = Announced(ModelTrained, number_of=number_of)
    announced.read.set()
    return announced


def record_of(event: Event) -> "ConsumerRecord[Any, Any]":
    """The event as a reader of its topic gets it; only the value counts."""
    return cast("ConsumerRecord[Any, Any]", _Value(event.model_dump_json().encode()))


@dataclass(frozen=True)
class _Value:
    value: bytes
    offset: int = 0
