"""Sends what is in a service's outbox, in the order of its rows, from one process at a time.

The process that leads (see `leadership.py`) sends and deletes; every process looks how old the
oldest event is that has not left. A leader that was replaced unawares deletes nothing. What it had
handed to Kafka may leave twice, with the same `event_id`.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import asyncpg
import orjson

from shared.errors import Transient, words_of
from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.encoding import Record
from shared.messaging.leadership import RENEW_SECONDS, Leadership, LostLeadership
from shared.messaging.outbox import Outbox
from shared.storage.database import AWAY, Connection
from shared.telemetry import OUTBOX_AGE, OUTBOX_LEADS, logger

_BATCH = 1000
_POLL_SECONDS = 1.0
_ALARMING_SECONDS = 30.0  # an event that waits longer is somebody's business


class Relay:
    """The sending side of an outbox. Run one in every process of the service."""

    def __init__(self, outbox: Outbox, bus: Bus, health: Health) -> None:
        self.outbox = outbox
        self.bus = bus
        self.health = health
        self.leadership = Leadership(outbox.schema)

    async def run(self) -> None:
        """Relay forever; when the database or Kafka is unavailable, wait and start over."""
        await self.outbox.created.wait()
        while True:
            try:
                await self._relay()
            except (Transient, LostLeadership, asyncpg.PostgresError, *AWAY) as error:
                reason = words_of(error)
                self.health.waiting("outbox", f"cannot send events: {reason}")
                logger.warning("outbox waits", reason=reason)
                await asyncio.sleep(_POLL_SECONDS)

    async def _relay(self) -> None:
        self.leadership = Leadership(self.outbox.schema)
        connection = await self.outbox.database.connect()
        try:
            notified = asyncio.Event()
            await connection.add_listener(self.outbox.channel, lambda *_: notified.set())
            while True:
                notified.clear()
                leads = await self.leadership.leads(connection)
                await self._look(connection)
                sent = await self._send_batch(connection) if leads else 0
                self.health.ready("outbox")
                if not sent:
                    await _wait_at_most(notified, seconds=_POLL_SECONDS)
        finally:
            await self._leave(connection)

    async def _send_batch(self, connection: Connection) -> int:
        """Send the oldest events and delete them, if the lease is still ours; how many."""
        schema, token = self.outbox.schema, self.leadership.token
        rows = await connection.fetch(
            f"SELECT id, topic, key, value, headers FROM {schema}.outbox "  # noqa: S608
            f"WHERE EXISTS (SELECT FROM {schema}.relay_lease "
            "WHERE token = $2 AND expires_at > clock_timestamp()) ORDER BY id LIMIT $1",
            _BATCH,
            token,
        )
        if not rows:
            return 0
        await self._send(
            connection,
            [Record(r["topic"], r["key"], r["value"], orjson.loads(r["headers"])) for r in rows],
        )
        deleted = await connection.execute(
            f"WITH held AS (SELECT FROM {schema}.relay_lease WHERE token = $2 FOR SHARE) "  # noqa: S608
            f"DELETE FROM {schema}.outbox WHERE id = ANY($1) AND EXISTS (SELECT FROM held)",
            [row["id"] for row in rows],
            token,
        )
        if deleted == "DELETE 0":
            raise LostLeadership(f"{self.leadership.holder} was replaced while it sent")
        return len(rows)

    async def _send(self, connection: Connection, records: Sequence[Record]) -> None:
        """Send and wait for the confirmation, holding the lease however long that takes."""
        sending = asyncio.ensure_future(self.bus.producer.send(records))
        try:
            while not (await asyncio.wait({sending}, timeout=RENEW_SECONDS))[0]:
                await self.leadership.renew(connection)
            await sending
        finally:
            sending.cancel()

    async def _look(self, connection: Connection) -> None:
        """Report how old the oldest event is that has not left, and who should send it."""
        schema = self.outbox.schema
        age = await connection.fetchval(
            f"SELECT extract(epoch FROM clock_timestamp() - stored_at)::float8 "  # noqa: S608
            f"FROM {schema}.outbox ORDER BY id LIMIT 1"
        )
        holder = await connection.fetchval(
            f"SELECT holder FROM {schema}.relay_lease "  # noqa: S608
            "WHERE expires_at > clock_timestamp()"
        )
        OUTBOX_AGE.labels(self.outbox.service).set(age or 0.0)
        OUTBOX_LEADS.labels(self.outbox.service).set(holder == self.leadership.holder)
        if (age or 0.0) > _ALARMING_SECONDS:
            by = f"{holder} should send it" if holder else "nobody leads"
            self.health.alert("outbox", f"an event has waited for {age:.0f} seconds; {by}")
        else:
            self.health.clear_alert("outbox")

    async def _leave(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        OUTBOX_LEADS.labels(self.outbox.service).set(0)
        with suppress(asyncpg.PostgresError, *AWAY):
            if self.leadership.token is not None and not connection.is_closed():
                await self.leadership.resign(connection)
        connection.terminate()


async def _wait_at_most(event: asyncio.Event, *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
