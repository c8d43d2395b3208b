"""One system with all seven services, each its own process, for the whole suite."""

from collections.abc import AsyncIterator, Iterator

import pytest
from aiokafka import AIOKafkaProducer

from deploy.demo.reviewers import NAMES, USERS, Reviewer, users_setting
from deploy.embedded.stack import EmbeddedStack
from shared.settings import engine_settings
from shared.storage.artifacts import Artifacts
from tests.connected.behavior.marks import Marks
from tests.connected.behavior.premises import Premises
from tests.support.engines.lifecycle import Engines, own_engines, temporary_home

PANEL = [Reviewer(name, f"a password for {name}") for name in NAMES]


@pytest.fixture(scope="module")
def own() -> Iterator[Engines]:
    """Engines that no other test depends on: the suite kills them."""
    with own_engines(outlast="kills") as engines:
        yield engines


@pytest.fixture(scope="module")
def stack(own: Engines) -> Iterator[EmbeddedStack]:
    environment = {
        **own.environment,
        "TRAINER_STRATEGY": "linear",
        "LABEL_THRESHOLD": "100000",  # a release is another test's matter
        USERS: users_setting(PANEL),
        "REVIEW_QUEUE_UNDO_SECONDS": "1",
        "REVIEW_QUEUE_LEASE_SECONDS": "10",
    }
    with (
        temporary_home() as home,
        EmbeddedStack(home, engines=False, environment=environment, ports="free") as stack,
    ):
        yield stack


@pytest.fixture(scope="module")
async def producer(own: Engines, stack: EmbeddedStack) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=own.environment["KAFKA_BOOTSTRAP"],
        acks="all",
        linger_ms=5,
        request_timeout_ms=120_000,  # a broker may need long to come back on a busy machine
        max_request_size=2 * 1024 * 1024,
    )
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture(scope="module")
async def packing(own: Engines, stack: EmbeddedStack) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that compresses, so that it may send records above the limit."""
    async with AIOKafkaProducer(
        bootstrap_servers=own.environment["KAFKA_BOOTSTRAP"],
        compression_type="gzip",
        max_request_size=8 * 1024 * 1024,
    ) as producer:
        yield producer


@pytest.fixture(scope="module")
def premises(own: Engines, producer: AIOKafkaProducer) -> Premises:
    return Premises(Artifacts(engine_settings(own.environment)), producer)


@pytest.fixture(scope="module")
async def marks(own: Engines, stack: EmbeddedStack) -> AsyncIterator[Marks]:
    async with Marks.of(own.environment) as marks:
        yield marks
