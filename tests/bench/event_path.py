"""The filter's whole path against a loop that only copies bytes.

Ours: consume, parse, judge, write the routing with its event, publish confirmed. Baseline: bare
aiokafka, one batched insert, publish confirmed. Same records, same acks, batches of one size to the
database and to Kafka; each side's clock runs from its first batch to its last confirmation.
"""

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.confidence_filter import app as filter_app
from services.confidence_filter.handlers import Handlers
from services.confidence_filter.routing import RoutingSettings
from services.confidence_filter.store import Store
from shared.events import PredictionMade
from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.messaging.topics import PREDICTIONS_MADE, READ_COMMITTED, REVIEWS_REQUESTED
from shared.settings import EngineSettings, engine_settings
from shared.storage.database import Database
from tests.bench.measure import Measure, interleaved
from tests.support.builders.events import CAME_IN, KEY, predicted, rollout

RECORDS = 10_000
BATCH = 500
ROUNDS = 3
_KAFKA_BATCH_BYTES = 1 << 20
_ROLLOUT = rollout()


async def event_path(environment: Mapping[str, str]) -> Measure:
    settings = engine_settings(environment)
    ours, baseline = Ours(settings), Baseline(settings)
    await ours.open()
    await baseline.open()
    try:

        async def round_of_ours() -> float:
            await _produce(settings)
            return await ours.drain()

        return await interleaved(
            "event_path", "records/s", ours=round_of_ours, baseline=baseline.drain, rounds=ROUNDS
        )
    finally:
        await ours.close()
        await baseline.close()


class Ours:
    """The service's own parts, put together as its `app.py` does, with a clock around them."""

    def __init__(self, settings: EngineSettings) -> None:
        health = Health()
        self.bus = Bus(settings, service=filter_app.NAME, health=health)
        self.database = Database(
            settings, schema=filter_app.NAME, migrations=Path(filter_app.MIGRATIONS)
        )
        self.outbox = Outbox(self.database, service=filter_app.NAME)
        self.store = Store(self.database, self.outbox)
        self.relay = Relay(self.outbox, self.bus, health)
        self.handlers = Handlers(
            self.store,
            lambda _: _ROLLOUT,
            settings=RoutingSettings(audit_rate=0.05, key=KEY),
            now=lambda: CAME_IN,
        )
        self.bus.consume(PREDICTIONS_MADE, self._handle, event=PredictionMade, batch=BATCH)
        self.open_gate = asyncio.Event()
        self.first: float | None = None
        self.last = 0.0
        self.handled = 0

    async def open(self) -> None:
        await self.database.open()
        await self.outbox.create()
        await self.store.define_labels()
        self.relaying = asyncio.create_task(self.relay.run())
        await self.bus.start()

    async def _handle(self, predictions: Sequence[PredictionMade]) -> None:
        await self.open_gate.wait()
        self.first = self.first or time.perf_counter()
        await self.handlers.predictions_made(predictions)
        self.handled += len(predictions)

    async def drain(self) -> float:
        self.open_gate.set()
        while self.handled < RECORDS or await self._unsent():
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - (self.first or 0.0)
        self.first, self.handled = None, 0
        self.open_gate.clear()
        return RECORDS / seconds

    async def _unsent(self) -> bool:
        async with self.database.transaction() as connection:
            return bool(
                await connection.fetchval("SELECT EXISTS (SELECT 1 FROM confidence_filter.outbox)")
            )

    async def close(self) -> None:
        await self.bus.stop()
        self.relaying.cancel()
        await self.database.close()


class Baseline:
    """What the least possible program would do with the same records."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings

    async def open(self) -> None:
        bootstrap = self.settings.kafka_bootstrap.split(",")
        self.connection = await asyncpg.connect(self.settings.database_url.get_secret_value())
        await self.connection.execute(
            "CREATE TABLE IF NOT EXISTS bench_copies (id bigserial PRIMARY KEY, value bytea)"
        )
        self.producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            linger_ms=2,
            max_batch_size=_KAFKA_BATCH_BYTES,  # with aiokafka's 16 KiB it would wait for itself
        )
        self.consumer = AIOKafkaConsumer(
            PREDICTIONS_MADE.name,
            bootstrap_servers=bootstrap,
            group_id=f"bench-{uuid.uuid4().hex[:8]}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=READ_COMMITTED,
        )
        await self.producer.start()
        await self.consumer.start()

    async def drain(self) -> float:
        done, started = 0, None
        while done < RECORDS:
            batches = await self.consumer.getmany(timeout_ms=1000, max_records=BATCH)
            copied = [(r.key, r.value) for records in batches.values() for r in records]
            if not copied:
                continue
            started = started or time.perf_counter()
            await self.connection.execute(
                "INSERT INTO bench_copies (value) SELECT * FROM unnest($1::bytea[])",
                [value for _, value in copied],
            )
            sent = [
                await self.producer.send(REVIEWS_REQUESTED.name, value, key=key)
                for key, value in copied
            ]
            await asyncio.gather(*sent)
            await self.consumer.commit()
            done += len(copied)
        return done / (time.perf_counter() - (started or 0.0))

    async def close(self) -> None:
        await self.consumer.stop()
        await self.producer.stop()
        await self.connection.close()


async def _produce(settings: EngineSettings) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap.split(","), acks="all", linger_ms=5
    )
    await producer.start()
    run = uuid.uuid4().hex[:8]
    events = [predicted(f"bench-{run}-{n}") for n in range(RECORDS)]
    sent = [
        await producer.send(
            PREDICTIONS_MADE.name, event.model_dump_json().encode(), key=event.key.encode()
        )
        for event in events
    ]
    await asyncio.gather(*sent)
    await producer.stop()
