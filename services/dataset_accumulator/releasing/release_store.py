"""The tables `releases` and `slots`: which dataset versions there are, and why each was made."""

import json
from collections.abc import Mapping
from datetime import datetime
from zlib import crc32

import asyncpg

from shared.events import ArtifactRef, DatasetReleased
from shared.messaging.outbox import Outbox
from shared.storage.database import Connection, Database


class Releases:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self.database = database
        self.outbox = outbox

    async def lock(self, connection: Connection, task: str) -> None:
        """Let no other process release this task until the transaction ends."""
        key = crc32(f"release {task}".encode())
        await connection.execute("SELECT pg_advisory_xact_lock($1)", key)

    async def number(self, connection: Connection, task: str) -> int:
        """The number after that of the newest version here."""
        newest = await self.newest(connection, task)
        return newest.number + 1 if newest else 1

    async def newest(self, connection: Connection, task: str) -> DatasetReleased | None:
        row = await connection.fetchrow(
            "SELECT * FROM dataset_accumulator.releases WHERE task = $1 "
            "ORDER BY number DESC LIMIT 1",
            task,
        )
        return _released(row) if row else None

    async def by_trigger(
        self, connection: Connection, task: str, trigger: str
    ) -> DatasetReleased | None:
        row = await connection.fetchrow(
            "SELECT * FROM dataset_accumulator.releases WHERE task = $1 AND trigger = $2",
            task,
            trigger,
        )
        return _released(row) if row else None

    async def newest_imports(self, connection: Connection, task: str) -> dict[str, int]:
        """How many labels of which import the newest version has."""
        found = await connection.fetchval(
            "SELECT imports FROM dataset_accumulator.releases WHERE task = $1 "
            "ORDER BY number DESC LIMIT 1",
            task,
        )
        return dict(json.loads(found)) if found else {}

    async def with_import(self, import_id: str) -> list[str]:
        """The dataset versions that have labels of this import, oldest first."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT dataset_version FROM dataset_accumulator.releases "
                "WHERE coalesce((imports ->> $1)::bigint, 0) > 0 ORDER BY task, number",
                import_id,
            )
        return [row["dataset_version"] for row in rows]

    async def record(
        self, connection: Connection, released: DatasetReleased, *, imports: Mapping[str, int]
    ) -> None:
        """Make the version exist, and its event leave, once the transaction commits."""
        await connection.execute(
            "INSERT INTO dataset_accumulator.releases (task, number, dataset_version, trigger, "
            "manifest_uri, manifest_sha256, manifest_size_bytes, counts, new_labels, released_at, "
            "imports) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            released.task,
            released.number,
            released.dataset_version,
            released.trigger,
            released.manifest.uri,
            released.manifest.sha256,
            released.manifest.size_bytes,
            json.dumps(released.counts),
            released.new_labels,
            released.occurred_at,
            json.dumps(imports),
        )
        await self.outbox.add(connection, [released])

    async def take_slot(self, connection: Connection, task: str, slot: datetime) -> bool:
        """Whether this slot of the schedule is to be dealt with now: it is newer than the last.

        A task that was never scheduled begins with this slot and has missed nothing.
        """
        last = await self.last_slot(connection, task)
        await connection.execute(
            "INSERT INTO dataset_accumulator.slots (task, slot) VALUES ($1, $2) "
            "ON CONFLICT (task) DO UPDATE SET slot = greatest(slots.slot, excluded.slot)",
            task,
            slot,
        )
        return last is not None and last < slot

    async def last_slot(self, connection: Connection, task: str) -> datetime | None:
        slot: datetime | None = await connection.fetchval(
            "SELECT slot FROM dataset_accumulator.slots WHERE task = $1", task
        )
        return slot

    async def list(self, task: str | None, *, limit: int) -> list[DatasetReleased]:
        """The newest releases, newest first."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT * FROM dataset_accumulator.releases "
                "WHERE $1::text IS NULL OR task = $1 ORDER BY released_at DESC LIMIT $2",
                task,
                limit,
            )
        return [_released(row) for row in rows]

    async def find(self, version: str) -> DatasetReleased | None:
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT * FROM dataset_accumulator.releases WHERE dataset_version = $1",
                version,
            )
        return _released(row) if row else None


def _released(row: asyncpg.Record) -> DatasetReleased:
    return DatasetReleased(
        occurred_at=row["released_at"],
        task=row["task"],
        dataset_version=row["dataset_version"],
        number=row["number"],
        trigger=row["trigger"],
        manifest=ArtifactRef(
            uri=row["manifest_uri"],
            sha256=row["manifest_sha256"],
            size_bytes=row["manifest_size_bytes"],
        ),
        counts=json.loads(row["counts"]),
        new_labels=row["new_labels"],
    )
