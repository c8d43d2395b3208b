"""Reading goes wrong on a real broker: a task that has ended without a word, a batch that does not
unpack. Either is noticed, and nothing is passed over."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, codec
from aiokafka.record._crecords import default_records

from deploy.prepare import prepare
from shared.events import CaseSubmitted
from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.readers import partition_reader
from shared.messaging.topics import CASES_SUBMITTED
from shared.settings import engine_settings
from tests.support.builders.events import submitted
from tests.support.engines.lifecycle import own_engines
from tests.support.patience import PATIENCE_SECONDS, until


@dataclass
class Taker:
    """A bus that takes cases, and whether its watchdog has had enough of it."""

    bus: Bus
    bootstrap: str
    taken: set[str] = field(default_factory=set)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, cases: Sequence[CaseSubmitted]) -> None:
        self.taken |= {case.case_id for case in cases}

    async def send(self) -> str:
        case = submitted(f"taken-{uuid4().hex}")
        await self.bus.publish([case])
        return case.case_id

    async def takes(self, case_id: str) -> None:
        await until(lambda: case_id in self.taken)


@pytest.fixture
def taker() -> Iterator[Taker]:
    """On engines of its own: it reads every case there is."""
    with own_engines() as engines:
        settings = engine_settings(engines.environment)
        prepare(settings)
        bus = Bus(settings, service="inference", health=Health())
        found = Taker(bus, settings.kafka_bootstrap)
        bus.watchdog.leave = found.left.set
        bus.watchdog.look_seconds = 0.2
        bus.consume(CASES_SUBMITTED, found.take, event=CaseSubmitted, batch=10)
        yield found


async def test_a_consumer_that_has_stopped_reading_is_noticed(taker: Taker) -> None:
    await taker.bus.start()
    await taker.takes(await taker.send())
    fetcher = taker.bus.watchdog.subscriber.consumer._fetcher
    fetcher._fetch_task.cancel()  # the end of the library's own task: it neither tells nor mends it
    await asyncio.wait({fetcher._fetch_task, *fetcher._pending_tasks})
    await asyncio.sleep(1)  # what was fetched is taken
    unread = await taker.send()
    watching = asyncio.create_task(taker.bus.watchdog.run())

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.wait(
            {watching, asyncio.create_task(taker.left.wait())}, return_when="FIRST_COMPLETED"
        )
    watching.cancel()
    await taker.bus.stop()

    assert taker.left.is_set()
    assert unread not in taker.taken


async def put(taker: Taker, partition: int, codec: str | None) -> set[str]:
    """Some cases in one partition, in one batch."""
    cases = [submitted(f"in-{partition}-{uuid4().hex}") for _ in range(5)]
    async with AIOKafkaProducer(
        bootstrap_servers=taker.bootstrap, compression_type=codec
    ) as producer:
        batch = producer.create_batch()
        for case in cases:
            value = case.model_dump_json().encode()
            batch.append(key=case.case_id.encode(), value=value, timestamp=None)
        await (await producer.send_batch(batch, CASES_SUBMITTED.name, partition=partition))
    return {case.case_id for case in cases}


def no_codec() -> bool:
    return False


def broken(_: bytes) -> bytes:
    raise ValueError


@pytest.mark.parametrize(
    ("where", "what"),
    [(codec, ("has_lz4", no_codec)), (default_records, ("lz4_decode", broken))],
    ids=["its codec is unknown", "its bytes are broken"],
)
async def test_a_batch_that_does_not_unpack_waits_and_no_other_is_passed_over(
    taker: Taker,
    monkeypatch: pytest.MonkeyPatch,
    where: ModuleType,
    what: tuple[str, Callable[..., object]],
) -> None:
    monkeypatch.setattr(partition_reader, "_ASIDE_SECONDS", 0.5)
    left, stuck, right = [await put(taker, n, c) for n, c in ((3, None), (4, "lz4"), (5, None))]
    with monkeypatch.context() as patch:
        patch.setattr(where, *what)
        await taker.bus.start()
        for case_id in left | right:
            await taker.takes(case_id)
        await until(lambda: reading(taker.bus.health))
        reasons = reading(taker.bus.health)
        passed = stuck & taker.taken
    for case_id in stuck:
        await taker.takes(case_id)
    await until(lambda: not reading(taker.bus.health))
    await taker.bus.stop()

    assert list(reasons) == [f"read {CASES_SUBMITTED.name}/4"]
    assert "offset 0" in reasons[f"read {CASES_SUBMITTED.name}/4"]
    assert not passed


def reading(health: Health) -> dict[str, str]:
    """Why partitions are not read; other parts may wait for reasons of their own."""
    return {part: why for part, why in health.reasons.items() if part.startswith("read ")}


async def test_who_has_nothing_to_read_is_not_taken_for_dead(taker: Taker) -> None:
    """Its library would leave the group on behalf of a consumer that does not ask for records."""
    await taker.bus.start()
    await taker.takes(await taker.send())
    consumer = taker.bus.watchdog.subscriber.consumer

    consumer.aside = dict.fromkeys(consumer.assignment(), float("inf"))
    await asyncio.sleep(2)
    await until(lambda: consumer._subscription.fetcher_idle_time < 1)  # unasked, it only grows
    await taker.bus.stop()
