"""What an engine has confirmed is there after SIGKILL, and supervisor brings the engine back."""

import asyncio
import io

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from minio import Minio

from deploy.embedded.stack import EmbeddedStack
from tests.support.engines.lifecycle import occupied
from tests.support.patience import PATIENCE_SECONDS, until

RECORDS = [f"record {number}".encode() for number in range(50)]


async def test_postgres_keeps_commits_and_comes_back_with_clients_connected(
    stack: EmbeddedStack,
) -> None:
    url = stack.environment["DATABASE_URL"]
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept (number int)")
    await connection.executemany("INSERT INTO kept VALUES ($1)", [(n,) for n in range(100)])
    busy = asyncio.create_task(connection.execute("SELECT pg_sleep(3600)"))
    await until(lambda: _sleeps(url))

    killed = stack.kill("postgres")
    with pytest.raises((asyncpg.PostgresConnectionError, OSError)):
        await busy
    stack.wait_healthy("postgres", timeout=PATIENCE_SECONDS)

    assert stack.pid("postgres") != killed
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT count(*) FROM kept") == 100
    await connection.close()


async def _sleeps(url: str) -> bool:
    """Whether somebody's statement is under way."""
    connection = await asyncpg.connect(url)
    try:
        waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')"
        return bool(await connection.fetchval(waits))
    finally:
        await connection.close()


def test_s3_keeps_objects(stack: EmbeddedStack) -> None:
    client = _s3(stack)
    client.make_bucket("kept")
    large = bytes(range(256)) * 40_000  # 10 MB: several chunks
    client.put_object("kept", "large", io.BytesIO(large), len(large))
    client.put_object("kept", "small", io.BytesIO(b"small"), 5)

    stack.kill("s3")
    stack.wait_healthy("s3", timeout=PATIENCE_SECONDS)

    assert client.get_object("kept", "small").read() == b"small"
    assert client.get_object("kept", "large").read() == large


async def test_broker_keeps_records(stack: EmbeddedStack) -> None:
    bootstrap = stack.environment["KAFKA_BOOTSTRAP"]
    _create_topic(bootstrap, "kept")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    await asyncio.gather(*(producer.send_and_wait("kept", record) for record in RECORDS))
    await producer.stop()

    stack.kill("broker")
    stack.wait_healthy("broker", timeout=PATIENCE_SECONDS)

    assert sorted(await _read(bootstrap, "kept", count=len(RECORDS))) == sorted(RECORDS)


async def test_everything_is_there_after_all_are_killed_at_once(stack: EmbeddedStack) -> None:
    for name in stack.process_names:
        stack.kill(name)
    stack.wait_healthy(timeout=PATIENCE_SECONDS)
    await _assert_all_kept(stack)


async def test_everything_is_there_after_an_orderly_stop_and_on_other_ports(
    stack: EmbeddedStack,
) -> None:
    before = stack.settings.base_port
    stack.stop()
    with occupied(stack.settings.port("s3")):
        stack.start()
    assert stack.settings.base_port != before
    await _assert_all_kept(stack)


async def _assert_all_kept(stack: EmbeddedStack) -> None:
    assert _s3(stack).get_object("kept", "small").read() == b"small"
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    assert await connection.fetchval("SELECT count(*) FROM kept") == 100
    await connection.close()
    bootstrap = stack.environment["KAFKA_BOOTSTRAP"]
    assert sorted(await _read(bootstrap, "kept", count=len(RECORDS))) == sorted(RECORDS)


def _s3(stack: EmbeddedStack) -> Minio:
    environment = stack.environment
    return Minio(
        environment["S3_ENDPOINT"],
        access_key=environment["S3_ACCESS_KEY"],
        secret_key=environment["S3_SECRET_KEY"],
        secure=False,
    )


def _create_topic(bootstrap: str, name: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    client.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    client.close()


async def _read(bootstrap: str, topic: str, *, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    async with asyncio.timeout(PATIENCE_SECONDS):
        records = [(await consumer.getone()).value or b"" for _ in range(count)]
    await consumer.stop()
    return records
