"""Two real processes share the work: each label once, each release once, also across a crash."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.external_engines import read_external_engines
from deploy.embedded.stack import EmbeddedStack
from shared.events import ArtifactRef, Event
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.datasets import SPLITS, read_manifest, read_split
from tests.support.builders.histories import csv_file, row
from tests.support.builders.reviews import completed, corrected
from tests.support.engines.lifecycle import Engines, own_engines, temporary_home
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

SERVICE = "dataset_accumulator"
THRESHOLD = 100
TOKEN = "the-token-of-a-script"
MEMORY_MB = 150
ROWS = 10_000
CORRECTED = "SELECT EXISTS (SELECT FROM dataset_accumulator.corrections)"
READ = "SELECT EXISTS (SELECT FROM dataset_accumulator.held_rows)"


@pytest.fixture(scope="module")
def own() -> Iterator[Engines]:
    with own_engines() as engines:
        yield engines


@pytest.fixture(scope="module")
def processes(own: Engines) -> Iterator[list[EmbeddedStack]]:
    """Two stacks of one service each, on the same engines."""
    environment = {
        **read_external_engines(own.environment),
        "API_TOKENS": f"script:import+observe+operate:{TOKEN}",
        "LABEL_THRESHOLD": str(THRESHOLD),
        "DATASET_ACCUMULATOR_SPLIT_SHARES": "train=1",
        "DATASET_ACCUMULATOR_IMPORTS_NEED_CONFIRMATION": "false",
    }
    with ExitStack() as exits:
        stacks = []
        for _ in range(2):
            stack = EmbeddedStack(
                exits.enter_context(temporary_home()),
                services=(SERVICE,),
                engines=False,
                environment=environment,
                ports="free",
            )
            stacks.append(exits.enter_context(stack))
        yield stacks


@pytest.fixture(scope="module")
async def connection(own: Engines) -> AsyncIterator[Any]:
    found = await asyncpg.connect(own.environment["DATABASE_URL"])
    yield found
    await found.close()


def client(stack: EmbeddedStack) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{stack.settings.port(SERVICE)}",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=4 * PATIENCE_SECONDS,
    )


def memory_mb(stack: EmbeddedStack) -> float:
    return float(psutil.Process(stack.pid(SERVICE)).memory_info().rss / 1e6)


async def publish(own: Engines, events: list[Event]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=own.environment["KAFKA_BOOTSTRAP"], acks="all")
    await producer.start()
    for event in events:
        value = event.model_dump_json().encode()
        await producer.send(event.type, value, key=event.key.encode())
    await producer.stop()


async def until(question: Any, wanted: Any) -> None:
    """Wait until the answer is the wanted one; fail with the last answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := await question()) != wanted:
        assert time.monotonic() < deadline, f"{answer} is not {wanted}"
        await asyncio.sleep(0.2)


async def test_each_label_and_each_release_once(
    own: Engines, processes: list[EmbeddedStack], connection: Any
) -> None:
    """Every review comes twice, and one of the processes is killed in the middle."""
    assert [memory_mb(stack) < MEMORY_MB for stack in processes] == [True, True]
    names = [f"twice-{number}" for number in range(400)]
    reviews: list[Event] = [completed(name) for name in names]
    await publish(own, [corrected("twice-7")])
    await until(lambda: connection.fetchval(CORRECTED), True)  # topics have no order between them
    await publish(own, reviews[:200])
    processes[0].kill(SERVICE)
    await publish(own, [*reviews, *reviews])

    async def labels() -> int:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM dataset_accumulator.labels WHERE case_id LIKE 'twice-%'"
        )
        return count

    await until(labels, 400)
    await until(lambda: _unreleased_below_threshold(connection), True)
    processes[0].wait_healthy(SERVICE)
    releases = await connection.fetch(
        "SELECT * FROM dataset_accumulator.releases WHERE task = 'adjudication' ORDER BY number"
    )
    assert [found["number"] for found in releases] == list(range(1, len(releases) + 1))
    fields = {name.lower(): value for name, value in own.environment.items()}
    artifacts = Artifacts(EngineSettings.model_validate(fields))
    newest = releases[-1]
    manifest = read_manifest(
        artifacts,
        ArtifactRef(
            uri=newest["manifest_uri"],
            sha256=newest["manifest_sha256"],
            size_bytes=newest["manifest_size_bytes"],
        ),
    )
    found = [e for split in SPLITS for e in read_split(artifacts, manifest, split)]
    assert set(Counter(example.case_id for example in found).values()) == {1}
    assert sum(release["new_labels"] for release in releases) >= len(found) >= 400 - THRESHOLD
    corrections = [e.label for e in found if e.case_id == "twice-7"]
    assert corrections in ([], ["DENIED"])


async def _unreleased_below_threshold(connection: Any) -> bool:
    waiting: int = await connection.fetchval(
        "SELECT count(*) FROM dataset_accumulator.labels "
        "WHERE released_revision IS DISTINCT FROM revision"
    )
    return waiting < THRESHOLD


async def test_an_import_that_is_killed_is_repeated_and_completes(
    processes: list[EmbeddedStack], connection: Any
) -> None:
    rows = [row(number) for number in range(ROWS)]
    content = csv_file(rows)
    victim, other = processes
    blocks = [content[start : start + 65536] for start in range(0, len(content), 65536)]

    async def body() -> AsyncIterator[bytes]:
        for number, block in enumerate(blocks):
            if number == len(blocks) // 2:
                await until(lambda: connection.fetchval(READ), True)
                victim.kill(SERVICE)
            yield block

    query = {"task": "adjudication", "release": "true"}
    async with client(victim) as to_victim:
        with pytest.raises(httpx.TransportError):
            await to_victim.post("/v1/imports", params=query, content=body())
    async with client(other) as to_other:
        answer = await to_other.post("/v1/imports", params=query, content=content)

    assert answer.is_success, answer.text
    report = answer.json()
    assert (report["rows"], report["refused_rows"], report["duplicates"]) == (ROWS, 0, 0)
    assert report["accepted"] == ROWS
    imported = await connection.fetchval(
        "SELECT count(*) FROM dataset_accumulator.labels WHERE source = 'import'"
    )
    assert imported == ROWS
    assert memory_mb(other) < MEMORY_MB
