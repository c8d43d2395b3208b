"""Three Apache Kafka brokers, one of which is killed in the middle: nothing is lost or doubled."""

import asyncio
import os
import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.stack import EmbeddedStack
from deploy.prepare import prepare
from shared.messaging.encoding import encode
from shared.messaging.producer import Producer
from shared.settings import EngineSettings, engine_settings
from tests.support.builders.events import submitted
from tests.support.engines.lifecycle import temporary_home
from tests.support.engines.real_engines import RealEngines
from tests.support.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.engines]

CASES = 600


async def test_a_broker_dies_in_the_middle() -> None:
    with temporary_home() as home, ExitStack() as exits:
        engines = RealEngines.start(Path(os.environ["TEST_ENGINES"]), home, exits, brokers=3)
        settings = engine_settings(engines.environment)
        prepare(settings, replication=3)
        services = ("inference", "confidence_filter", "review_queue")
        stack = EmbeddedStack(
            home / "services",
            services=services,
            engines=False,
            environment={**engines.environment, "KAFKA_REPLICATION": "3"},
            ports="free",
        )
        exits.enter_context(stack)
        names = [f"three-{number}" for number in range(CASES)]
        await submit(settings, names, killing=home / "kafka-up" / "broker-2" / "pid")
        found = await reviews(engines.environment["DATABASE_URL"])

    assert found == Counter(names)


async def submit(settings: EngineSettings, names: list[str], *, killing: Path) -> None:
    """Submit all, confirmed one batch after the other; half-way a broker is killed."""
    producer = Producer(settings, client_id="test")
    await producer.start()
    for start in range(0, len(names), 50):
        if start == len(names) // 2:
            os.kill(int(killing.read_text()), signal.SIGKILL)
        batch = [encode(submitted(name), source="test") for name in names[start : start + 50]]
        await producer.send(batch)
    await producer.stop()


async def reviews(url: str) -> Counter[str]:
    """Without a champion every case becomes one review."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                rows = await connection.fetch("SELECT case_id FROM review_queue.reviews")
                if len(rows) >= CASES:
                    return Counter(row["case_id"] for row in rows)
                await asyncio.sleep(0.5)
    finally:
        await connection.close()
