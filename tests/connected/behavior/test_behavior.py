"""What holds for every service: duplicates, poison, a crash in the middle, a broker that goes away,
and a role of its own in PostgreSQL.

All seven run as processes of their own on real engines. A scenario is played for all of them at
once; then each service's tables, events and dead letters are looked at.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from hashlib import sha256

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.cli.client import System
from deploy.demo.reviewers import adjudicate_cases
from deploy.embedded.stack import EmbeddedStack
from deploy.roles import role_name
from deploy.simulation import simulated_claims
from shared.messaging.topics import RECORD_LIMIT_BYTES, TOPICS
from shared.services import SERVICES
from tests.connected.behavior.conftest import PANEL
from tests.connected.behavior.consumers import CONSUMERS, Consumer
from tests.connected.behavior.marks import Marks
from tests.connected.behavior.premises import Premises
from tests.support.builders.events import claim_input
from tests.support.engines.lifecycle import Engines
from tests.support.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

Keys = dict[Consumer, list[str]]

_NUMBERS = itertools.count(int(time.time()))
_NOISE = b"x" * (RECORD_LIMIT_BYTES - 1024)  # as large as the limit allows
_UNPACKED = b" " * (3 * RECORD_LIMIT_BYTES)  # lets itself be compressed to some kB
each_service = pytest.mark.parametrize("consumer", CONSUMERS, ids=str)


def fresh_keys(count: int) -> Keys:
    """Keys that no other test uses; their numbers grow, as those of releases do."""
    return {
        consumer: [f"{consumer.service}-{next(_NUMBERS)}" for _ in range(count)]
        for consumer in CONSUMERS
    }


async def publish(
    producer: AIOKafkaProducer, keys: Keys, premises: Premises, *, times: int = 1
) -> None:
    for consumer, names in keys.items():
        events = [consumer.event(name) for name in names]
        await premises.lay(events)
        for event in events:
            for _ in range(times):
                await producer.send(
                    consumer.topic.name, event.model_dump_json().encode(), key=event.key.encode()
                )
    await producer.flush()


async def assert_each_once(marks: Marks, consumer: Consumer, keys: list[str]) -> None:
    """Each key left one mark and, where the service publishes for it, one event."""
    assert await marks.counts(consumer, keys) == Counter(keys)
    if consumer.publishes is not None:
        assert await marks.contents(consumer, keys) == dict.fromkeys(keys, 1)


@pytest.fixture(scope="module", autouse=True)
async def panel(stack: EmbeddedStack) -> AsyncIterator[None]:
    """Adjudicators who decide whatever comes to review, so that the review queue publishes."""
    case = next(simulated_claims(seed=1, count=1))
    url = System(stack.environment).url("review_queue")
    tasks = [
        asyncio.create_task(adjudicate_cases(url, reviewer, lambda _: case)) for reviewer in PANEL
    ]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
async def duplicated(producer: AIOKafkaProducer, premises: Premises) -> Keys:
    keys = fresh_keys(20)
    await publish(producer, keys, premises, times=3)
    return keys


@each_service
async def test_a_duplicate_changes_nothing(
    consumer: Consumer, duplicated: Keys, marks: Marks
) -> None:
    keys = duplicated[consumer]

    await assert_each_once(marks, consumer, keys)


@pytest.fixture(scope="module")
async def compressed(own: Engines, stack: EmbeddedStack, premises: Premises) -> Keys:
    """Records as their producers please to send them, two of each codec for every service."""
    keys = {codec: fresh_keys(2) for codec in ("gzip", "lz4", "snappy", "zstd")}
    for codec, each in keys.items():
        bootstrap = own.environment["KAFKA_BOOTSTRAP"]
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=codec) as sending:
            await publish(sending, each, premises)
    return {c: [key for each in keys.values() for key in each[c]] for c in CONSUMERS}


@each_service
async def test_every_codec_is_read(consumer: Consumer, compressed: Keys, marks: Marks) -> None:
    keys = compressed[consumer]

    await assert_each_once(marks, consumer, keys)


@pytest.fixture(scope="module")
async def poisoned(
    producer: AIOKafkaProducer, packing: AIOKafkaProducer, premises: Premises
) -> tuple[Keys, dict[Consumer, bytes]]:
    """Poison between good records, under the key of a good one."""
    before, after = fresh_keys(2), fresh_keys(2)
    poison = {}
    await publish(producer, before, premises)
    for consumer in CONSUMERS:
        good = consumer.event(after[consumer][0])
        key, value = good.key.encode(), good.model_dump_json().encode()
        poison[consumer] = key
        for bad in (b"\x00 not json", b'{"wrong": "schema"}', _NOISE):
            await producer.send(consumer.topic.name, bad, key=key)
        await packing.send_and_wait(consumer.topic.name, _UNPACKED, key=key)
        await producer.send(
            consumer.topic.name, value, key=key, headers=[("correlation_id", b"\xff\xfe")]
        )
    await publish(producer, after, premises)
    return {c: before[c] + after[c] for c in CONSUMERS}, poison


@each_service
async def test_poison_becomes_a_dead_letter_and_the_partition_goes_on(
    consumer: Consumer, poisoned: tuple[Keys, dict[Consumer, bytes]], marks: Marks
) -> None:
    keys, poison = poisoned

    await assert_each_once(marks, consumer, keys[consumer])
    letters = await marks.dead_letters(
        consumer, wanted=lambda letter: letter.key == poison[consumer], count=5
    )
    assert len(letters) == 5
    assert {letter.topic for letter in letters} == {consumer.topic.name}
    assert {letter.group for letter in letters} == {consumer.service}
    assert all(letter.error and letter.offset >= 0 for letter in letters)
    values = [letter.value for letter in letters]
    assert b"\x00 not json" in values
    assert _NOISE in values
    large = next(letter for letter in letters if letter.not_kept)
    assert large.not_kept == f"{len(_UNPACKED)} bytes, sha256 {sha256(_UNPACKED).hexdigest()}"
    header = next(letter for letter in letters if letter.headers)
    assert header.headers == (("correlation_id", b"\xff\xfe"),)


@pytest.fixture(scope="module")
async def crashed(stack: EmbeddedStack, producer: AIOKafkaProducer, premises: Premises) -> Keys:
    """Every service is killed while it has work, and started again."""
    first, second = fresh_keys(100), fresh_keys(100)
    await publish(producer, first, premises)
    for consumer in CONSUMERS:
        await asyncio.to_thread(stack.kill, consumer.service)
    await publish(producer, second, premises)
    await asyncio.to_thread(
        stack.wait_healthy, *(c.service for c in CONSUMERS), timeout=PATIENCE_SECONDS
    )
    return {c: first[c] + second[c] for c in CONSUMERS}


@each_service
async def test_a_crash_in_the_middle_loses_and_doubles_nothing(
    consumer: Consumer, crashed: Keys, marks: Marks
) -> None:
    keys = crashed[consumer]

    await assert_each_once(marks, consumer, keys)


@pytest.fixture(scope="module")
async def interrupted(own: Engines, producer: AIOKafkaProducer, premises: Premises) -> Keys:
    """The broker is killed while records are consumed, and comes back."""
    first, second = fresh_keys(50), fresh_keys(50)
    await publish(producer, first, premises)
    await asyncio.to_thread(own.kill, "broker")
    await publish(producer, second, premises)
    return {c: first[c] + second[c] for c in CONSUMERS}


@each_service
async def test_a_broker_that_goes_and_comes_back_loses_and_doubles_nothing(
    consumer: Consumer, interrupted: Keys, marks: Marks
) -> None:
    keys = interrupted[consumer]

    await assert_each_once(marks, consumer, keys)


AWAY_SECONDS = 20  # longer than a consumer tries at once


@pytest.fixture(scope="module")
async def without_database(
    own: Engines, stack: EmbeddedStack, producer: AIOKafkaProducer, premises: Premises
) -> tuple[Keys, dict[str, httpx.Response]]:
    """PostgreSQL is unavailable while records come in and somebody asks over HTTP."""
    keys = fresh_keys(20)
    system = System(stack.environment)
    observing = {"Authorization": f"Bearer {system.token('observe')}"}
    submitting = {"Authorization": f"Bearer {system.token('submit')}"}
    answers = {}
    with own.away("postgres"):
        await publish(producer, keys, premises)
        async with httpx.AsyncClient(headers=observing, timeout=PATIENCE_SECONDS) as client:
            for service, path in (
                ("review_queue", "/v1/queue"),
                ("dataset_accumulator", "/v1/datasets"),
                ("trainer", "/v1/runs"),
                ("promoter", "/v1/rollouts"),
                ("evaluator", "/v1/evaluations"),
            ):
                answers[service] = await client.get(system.url(service) + path)
            case = {"case_id": "asked", "task": "adjudication", "input": claim_input()}
            asked = await client.post(
                f"{system.url('inference')}/v1/predictions", json=case, headers=submitting
            )
            answers["inference"] = asked
        await asyncio.sleep(AWAY_SECONDS)
    return keys, answers


@each_service
async def test_a_database_that_goes_and_comes_back_loses_and_doubles_nothing(
    consumer: Consumer,
    without_database: tuple[Keys, dict[str, httpx.Response]],
    marks: Marks,
) -> None:
    keys, answers = without_database

    await marks.reconnect()
    await assert_each_once(marks, consumer, keys[consumer])
    if consumer.service in answers:
        assert answers[consumer.service].status_code == 503
        assert "PostgreSQL" in answers[consumer.service].json()["detail"]


_CONNECTED = """
SELECT DISTINCT application_name, usename FROM pg_stat_activity
WHERE application_name LIKE 'caseloop %'
"""


async def test_every_service_does_all_of_its_work_as_its_own_role(
    stack: EmbeddedStack, marks: Marks
) -> None:
    await marks.reconnect()
    wanted = {(f"caseloop {name}", role_name("caseloop", name)) for name in SERVICES}

    async def connected() -> set[tuple[str, str]]:
        return set(map(tuple, await marks.connection.fetch(_CONNECTED)))

    async def all_are() -> bool:
        return {name for name, _ in await connected()} == {name for name, _ in wanted}

    await until(all_are)  # some may be coming back just now
    assert await connected() == wanted


def test_every_service_is_covered() -> None:
    consuming = {group for topic in TOPICS for group in topic.consumers}

    assert {consumer.service for consumer in CONSUMERS} == consuming
