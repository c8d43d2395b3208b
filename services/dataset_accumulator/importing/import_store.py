"""The tables `imports`, `refusals` and `confirmations`: what was brought in, by whom, how far it
is, what was refused, and who let it in."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.dataset_accumulator.importing.importers.rows import Reading, Refusal
from services.dataset_accumulator.splits import Shares
from shared.errors import Conflict
from shared.storage.database import Connection, Database

_SELECT = """
SELECT import_id, task, name, file_sha256, imports.imported_by, confirmed_by, confirmed_at,
    splits, decided_by, release, why, bytes_total, bytes_read, rows, accepted, duplicates,
    refused AS refused_rows, dataset_version, started_at, updated_at,
    recalled_by, recalled_at, recall_reason,
    CASE WHEN status = 'running' AND updated_at <= now() - interval '1 minute'
         THEN 'interrupted' ELSE status END AS status
FROM dataset_accumulator.imports LEFT JOIN dataset_accumulator.confirmations USING (import_id)
"""
# Nobody sends the rest of such a file any more. Its rows are member data that nothing will need.
_GIVE_UP_SILENT = """
WITH silent AS (
    UPDATE dataset_accumulator.imports
    SET status = 'failed', why = 'the upload broke off', updated_at = now()
    WHERE status = 'running' AND updated_at < now() - interval '1 hour'
    RETURNING import_id
)
DELETE FROM dataset_accumulator.held_rows USING silent
WHERE held_rows.import_id = silent.import_id
"""
_FAIL = """
WITH failed AS (
    UPDATE dataset_accumulator.imports
    SET status = 'failed', why = $2, accepted = 0, updated_at = now()
    WHERE import_id = $1 AND status = 'running' RETURNING import_id
)
DELETE FROM dataset_accumulator.held_rows USING failed
WHERE held_rows.import_id = failed.import_id
"""


@dataclass(frozen=True)
class ImportRequest:
    """What is to be imported, and who said so."""

    import_id: str
    reading: Reading
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
    refused: Sequence[Refusal]


class Imports:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def begin(self, request: ImportRequest) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(_GIVE_UP_SILENT)
            await connection.execute(
                "INSERT INTO dataset_accumulator.imports "
                "(import_id, task, name, imported_by, splits, release, bytes_total, decided_by) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                request.import_id,
                request.reading.task.name,
                request.name,
                request.imported_by,
                json.dumps(request.shares),
                request.release,
                request.bytes_total,
                request.reading.decided_by,
            )

    async def advance(
        self, connection: Connection, import_id: str, progress: ImportProgress
    ) -> None:
        """Record progress in the transaction of its rows; `Conflict` if it was given up."""
        running = await connection.fetchval(
            "UPDATE dataset_accumulator.imports SET bytes_read = $2, rows = rows + $3,"
            " accepted = accepted + $4, updated_at = now() "
            "WHERE import_id = $1 AND status = 'running' RETURNING true",
            import_id,
            progress.bytes_read,
            progress.rows,
            progress.accepted,
        )
        if not running:
            raise Conflict("the import was given up because it was silent; send the file again")
        await self.refuse(connection, import_id, progress.refused)

    async def refuse(
        self, connection: Connection, import_id: str, refused: Sequence[Refusal]
    ) -> None:
        """List these rows of the file as refused."""
        await connection.execute(
            "UPDATE dataset_accumulator.imports SET refused = refused + $2 WHERE import_id = $1",
            import_id,
            len(refused),
        )
        await connection.executemany(
            "INSERT INTO dataset_accumulator.refusals (import_id, line, field, why) "
            "VALUES ($1, $2, $3, $4)",
            [(import_id, row.line, row.field, row.why) for row in refused],
        )

    async def set_status(self, connection: Connection, import_id: str, status: str) -> None:
        await connection.execute(
            "UPDATE dataset_accumulator.imports SET status = $2, updated_at = now() "
            "WHERE import_id = $1",
            import_id,
            status,
        )

    async def record_sifted(
        self, connection: Connection, import_id: str, *, left: int, duplicates: int
    ) -> None:
        await connection.execute(
            "UPDATE dataset_accumulator.imports SET accepted = $2, duplicates = duplicates + $3 "
            "WHERE import_id = $1",
            import_id,
            left,
            duplicates,
        )

    async def record_file(self, connection: Connection, import_id: str, *, sha256: str) -> None:
        """The file is read to its end."""
        await connection.execute(
            "UPDATE dataset_accumulator.imports SET file_sha256 = $2, "
            "bytes_read = coalesce(bytes_total, bytes_read) WHERE import_id = $1",
            import_id,
            sha256,
        )

    async def record_confirmation(
        self, connection: Connection, import_id: str, *, imported_by: str, confirmed_by: str | None
    ) -> None:
        """Who let the import in; None where the setting asks for nobody."""
        await connection.execute(
            "INSERT INTO dataset_accumulator.confirmations "
            "(import_id, imported_by, confirmed_by, needed) VALUES ($1, $2, $3, $4)",
            import_id,
            imported_by,
            confirmed_by,
            confirmed_by is not None,
        )

    async def record_recall(
        self, connection: Connection, import_id: str, *, by: str, reason: str
    ) -> None:
        await connection.execute(
            "UPDATE dataset_accumulator.imports SET status = 'recalled', recalled_by = $2, "
            "recall_reason = $3, recalled_at = now(), updated_at = now() WHERE import_id = $1",
            import_id,
            by,
            reason,
        )

    async def fail(self, import_id: str, why: str) -> None:
        """The file could not be read to its end: nothing of it comes in. An import that is complete
        stays, also where the answer that says so was lost."""
        async with self.database.transaction() as connection:
            await connection.execute(_FAIL, import_id, why)

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
            return await self.read(connection, import_id)

    async def read(self, connection: Connection, import_id: str) -> dict[str, Any] | None:
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
