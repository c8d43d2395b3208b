"""The tables `imports` and `refusals`: what was brought in, how far it is, and what was refused."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.dataset_accumulator.importing.importers.rows import Refusal
from services.dataset_accumulator.splits import Shares
from shared.storage.database import Connection, Database

# An import that has said nothing for a minute was cut off, and holds nothing up any more.
_RUNNING = """
SELECT EXISTS (
    SELECT FROM dataset_accumulator.imports
    WHERE task = $1 AND status IN ('running', 'releasing')
        AND updated_at > now() - interval '1 minute')
"""
_SELECT = """
SELECT import_id, task, name, imported_by, splits, release, why, bytes_total, bytes_read, rows,
    accepted, duplicates, refused AS refused_rows, dataset_version, started_at, updated_at,
    CASE WHEN status = 'running' AND updated_at <= now() - interval '1 minute'
         THEN 'interrupted' ELSE status END AS status
FROM dataset_accumulator.imports
"""


@dataclass(frozen=True)
class ImportRequest:
    """What is to be imported, and who said so."""

    import_id: str
    task: str
    file_format: str
    name: str
    imported_by: str
    shares: Shares
    release: bool
    bytes_total: int | None


@dataclass(frozen=True)
class ImportProgress:
    """What the next rows of the file came to. `bytes_read` counts from its beginning."""

    bytes_read: int
    rows: int
    accepted: int
    duplicates: int
    refused: Sequence[Refusal]


class Imports:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def begin(self, request: ImportRequest) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO dataset_accumulator.imports "
                "(import_id, task, name, imported_by, splits, release, bytes_total) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                request.import_id,
                request.task,
                request.name,
                request.imported_by,
                json.dumps(request.shares),
                request.release,
                request.bytes_total,
            )

    async def advance(
        self, connection: Connection, import_id: str, progress: ImportProgress
    ) -> None:
        """Record progress in the transaction of its labels."""
        await connection.execute(
            "UPDATE dataset_accumulator.imports SET bytes_read = $2, rows = rows + $3,"
            " accepted = accepted + $4, duplicates = duplicates + $5, refused = refused + $6,"
            " updated_at = now() WHERE import_id = $1",
            import_id,
            progress.bytes_read,
            progress.rows,
            progress.accepted,
            progress.duplicates,
            len(progress.refused),
        )
        await connection.executemany(
            "INSERT INTO dataset_accumulator.refusals (import_id, line, field, why) "
            "VALUES ($1, $2, $3, $4)",
            [(import_id, row.line, row.field, row.why) for row in progress.refused],
        )

    async def complete(self, import_id: str) -> None:
        """Everything is read; a release follows if one was asked for."""
        async with self.database.transaction() as connection:
            await connection.execute(
                "UPDATE dataset_accumulator.imports SET updated_at = now(), "
                "bytes_read = coalesce(bytes_total, bytes_read), "
                "status = CASE WHEN release THEN 'releasing' ELSE 'finished' END "
                "WHERE import_id = $1",
                import_id,
            )

    async def fail(self, import_id: str, why: str) -> None:
        """The file could not be read to its end. What came in before stays."""
        async with self.database.transaction() as connection:
            await connection.execute(
                "UPDATE dataset_accumulator.imports SET status = 'failed', why = $2, "
                "updated_at = now() WHERE import_id = $1",
                import_id,
                why,
            )

    async def running(self, connection: Connection, task: str) -> bool:
        """Whether a file of the task is being read."""
        running: bool = await connection.fetchval(_RUNNING, task)
        return running

    async def releasing(self, task: str) -> list[str]:
        """Imports of the task whose release is still to be made."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT import_id FROM dataset_accumulator.imports "
                "WHERE task = $1 AND status = 'releasing' ORDER BY started_at",
                task,
            )
        return [row["import_id"] for row in rows]

    async def is_releasing(self, connection: Connection, import_id: str) -> bool:
        status = await connection.fetchval(
            "SELECT status FROM dataset_accumulator.imports WHERE import_id = $1 FOR UPDATE",
            import_id,
        )
        return bool(status == "releasing")

    async def finish(
        self, connection: Connection, import_id: str, *, dataset_version: str | None
    ) -> None:
        await connection.execute(
            "UPDATE dataset_accumulator.imports SET status = 'finished', dataset_version = $2, "
            "updated_at = now() WHERE import_id = $1",
            import_id,
            dataset_version,
        )

    async def list(self, *, limit: int) -> list[dict[str, Any]]:
        """The newest imports, newest first."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_SELECT + "ORDER BY started_at DESC LIMIT $1", limit)
        return [_view(row) for row in rows]

    async def find(self, import_id: str) -> dict[str, Any] | None:
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_SELECT + "WHERE import_id = $1", import_id)
        return _view(row) if row else None

    async def refused(self, import_id: str, *, after: int, limit: int) -> Sequence[Refusal]:
        """Refused rows behind the line `after`, in the file's order."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT line, field, why FROM dataset_accumulator.refusals "
                "WHERE import_id = $1 AND line > $2 ORDER BY line LIMIT $3",
                import_id,
                after,
                limit,
            )
        return [Refusal(row["line"], row["field"], row["why"]) for row in rows]


def _view(row: asyncpg.Record) -> dict[str, Any]:
    return {**row, "splits": json.loads(row["splits"])}
