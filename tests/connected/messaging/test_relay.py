"""Whoever leads the relay may be lost without a word: another sends on, the lost one changes
nothing when it comes back, and the health knows what has not left."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from shared.events import CaseSubmitted
from shared.health import Health
from shared.messaging import leadership
from shared.messaging.bus import Bus
from shared.messaging.encoding import Record
from shared.messaging.leadership import LostLeadership
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.messaging.topics import CASES_SUBMITTED
from shared.settings import EngineSettings
from shared.storage.database import Database
from tests.support.builders.events import submitted
from tests.support.engines.silent_proxy import silent_proxy
from tests.support.engines.topics import events_of
from tests.support.patience import PATIENCE_SECONDS, until


@dataclass
class Process:
    """One process's outbox and relay."""

    outbox: Outbox
    bus: Bus
    relay: Relay

    @property
    def health(self) -> Health:
        return self.relay.health

    async def add(self, *events: CaseSubmitted) -> None:
        async with self.outbox.database.transaction() as connection:
            await self.outbox.add(connection, events)

    async def execute(self, statement: str) -> None:
        async with self.outbox.database.transaction() as connection:
            await connection.execute(statement.format(schema=self.outbox.schema))

    async def unsent(self) -> int:
        async with self.outbox.database.transaction() as connection:
            count: int = await connection.fetchval(
                f"SELECT count(*) FROM {self.outbox.schema}.outbox"
            )
        return count

    async def leads(self) -> None:
        await until(lambda: self.relay.leadership.token is not None)

    async def sent(self) -> None:
        await until(self.nothing_waits)

    async def nothing_waits(self) -> bool:
        return await self.unsent() == 0


@pytest.fixture
def schema() -> str:
    return f"relayed_{uuid4().hex[:8]}"


@asynccontextmanager
async def process(
    settings: EngineSettings, schema: str, folder: Path, *, started: bool = True
) -> AsyncIterator[Process]:
    health = Health()
    bus = Bus(settings, service=schema, health=health)
    database = Database(settings, schema=schema, migrations=folder)
    outbox = Outbox(database, service=schema)
    await database.open()
    await outbox.create()
    if started:
        await bus.start()
    found = Process(outbox, bus, Relay(outbox, bus, health))
    try:
        yield found
    finally:
        await bus.stop()
        await database.close()


@asynccontextmanager
async def relaying(found: Process) -> AsyncIterator[None]:
    task = asyncio.create_task(found.relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def second(settings: EngineSettings, schema: str, tmp_path: Path) -> AsyncIterator[Process]:
    async with process(settings, schema, tmp_path) as found:
        yield found


async def arrived(settings: EngineSettings, cases: Sequence[CaseSubmitted]) -> set[str]:
    wanted = {case.case_id for case in cases}
    found = await events_of(
        settings.kafka_bootstrap,
        CASES_SUBMITTED,
        CaseSubmitted,
        wanted=lambda event: event.case_id in wanted,
        count=len(wanted),
    )
    return {event.case_id for event in found}


async def test_a_leader_whose_connection_falls_silent_is_replaced(
    settings: EngineSettings, schema: str, tmp_path: Path, second: Process
) -> None:
    case = submitted(f"silent-{uuid4().hex}")
    async with AsyncExitStack() as exits:
        url = settings.database_url.get_secret_value()
        proxy = await exits.enter_async_context(silent_proxy(url))
        through = settings.model_copy(
            update={"database_url": type(settings.database_url)(proxy.url)}
        )
        first = await exits.enter_async_context(process(through, schema, tmp_path))
        await exits.enter_async_context(relaying(first))
        await first.leads()
        await exits.enter_async_context(relaying(second))

        proxy.silent = True
        await second.add(case)
        await second.sent()
        await until(lambda: "outbox" in first.health.reasons)  # it does not reach its database
        await second.leads()
    assert await arrived(settings, [case]) == {case.case_id}


async def test_a_leader_that_is_stopped_is_replaced_and_deletes_nothing_afterwards(
    settings: EngineSettings, schema: str, second: Process
) -> None:
    environment = os.environ | {
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "KAFKA_IDEMPOTENCE": str(settings.kafka_idempotence),
        "DATABASE_URL": settings.database_url.get_secret_value(),
    }
    first = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.engines.relay_process", schema),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert first.stdout is not None
    cases = [submitted(f"stopped-{uuid4().hex}") for _ in range(2)]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await first.stdout.readline() == b"leads\n"
        async with relaying(second):
            os.kill(first.pid, signal.SIGSTOP)
            await second.add(cases[0])
            await second.sent()
            os.kill(first.pid, signal.SIGCONT)
            await second.add(cases[1])
            await second.sent()
            assert second.relay.leadership.token is not None
    finally:
        first.kill()
        await first.wait()
    assert await arrived(settings, cases) == {case.case_id for case in cases}


async def test_who_was_replaced_while_sending_deletes_nothing(
    settings: EngineSettings, schema: str, tmp_path: Path, second: Process
) -> None:
    async with (
        process(settings, schema, tmp_path) as first,
        AsyncExitStack() as exits,
    ):
        ours, theirs = [await each.outbox.database.connect() for each in (first, second)]
        for connection in (ours, theirs):
            exits.push_async_callback(connection.close)
        assert await first.relay.leadership.leads(ours)
        await first.add(submitted(f"fenced-{uuid4().hex}"))

        async def lose(records: Sequence[Record]) -> None:
            """The process stood still for longer than its lease, just here."""
            await second.execute("UPDATE {schema}.relay_lease SET expires_at = now()")
            assert await second.relay.leadership.leads(theirs)

        first.bus.producer.send = lose  # type: ignore[method-assign]
        with pytest.raises(LostLeadership):
            await first.relay._send_batch(ours)
        left = await second.unsent()
        with pytest.raises(LostLeadership):
            await first.relay.leadership.renew(ours)
        assert await first.relay._send_batch(ours) == 0  # nor does it send anything more
    assert left == 1
    assert second.relay.leadership.token == 2


async def test_what_has_not_left_is_said_by_every_process(
    settings: EngineSettings, schema: str, tmp_path: Path, second: Process
) -> None:
    """The leader cannot send, and a lost one may not even say so: the others do."""
    async with process(settings, schema, tmp_path, started=False) as first:
        await first.add(submitted(f"old-{uuid4().hex}"))
        await first.execute("UPDATE {schema}.outbox SET stored_at = now() - interval '2 minutes'")
        async with relaying(first):
            await until(lambda: "outbox" in first.health.alerts and first.health.reasons)
            said = first.health.alerts["outbox"]
            why = first.health.reasons["outbox"]
    async with relaying(second):
        await second.sent()
        await until(lambda: not second.health.alerts and second.health.is_ready)
    waited = re.match(r"an event has waited for (\d+) seconds", said)
    assert waited is not None
    assert int(waited[1]) >= 120
    assert "Kafka is not connected" in why


async def test_nobody_leads_is_said(second: Process) -> None:
    await second.add(submitted(f"unled-{uuid4().hex}"))
    await second.execute("UPDATE {schema}.outbox SET stored_at = now() - interval '2 minutes'")
    connection = await second.outbox.database.connect()
    await second.relay._look(connection)
    await connection.close()
    assert second.health.alerts["outbox"].endswith("nobody leads")


async def test_a_leader_that_ends_hands_over_at_once(
    settings: EngineSettings,
    schema: str,
    tmp_path: Path,
    second: Process,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody waits for its lease to lapse, which would take longer than a test has patience."""
    monkeypatch.setattr(leadership, "LEASE_SECONDS", 10 * PATIENCE_SECONDS)
    async with process(settings, schema, tmp_path) as first:
        async with relaying(first):
            await first.leads()
        async with relaying(second):
            await second.leads()
    assert second.relay.leadership.token == 2
