"""The table `runs`: what is to be trained, who is at it, and how far it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from shared.errors import Conflict
from shared.events import DatasetReleased, ModelTrained, TrainingProgressed
from shared.messaging.outbox import Outbox
from shared.messaging.readers.announced import Announced
from shared.runs.run_table import LEASE_LAPSED, RunTable
from shared.storage.database import Connection, Database

_LEASE_LOCK = 7_042_002
# One run a task at a time; what was begun goes before what waits.
_NEXT_RUN = f"""
SELECT run_id FROM trainer.runs AS r
WHERE {LEASE_LAPSED} OR (status = 'queued' AND NOT EXISTS (
    SELECT 1 FROM trainer.runs WHERE task = r.task AND status = 'running'))
ORDER BY status DESC, queued_at LIMIT 1
"""  # noqa: S608
# The versions of a task are numbered from 0.
_ASSIGN_NUMBER = """
UPDATE trainer.runs SET minor = CASE
    WHEN minor IS NOT NULL AND minor <> ALL($3::int[]) THEN minor
    ELSE (SELECT coalesce(max(given) + 1, 0) FROM (
        SELECT minor FROM trainer.runs WHERE task = $2 UNION ALL SELECT unnest($3::int[])
    ) AS numbers (given)) END
WHERE run_id = $1 RETURNING minor
"""


@dataclass(frozen=True)
class TrainingRun:
    """A leased run. `attempt` counts from 1."""

    run_id: str
    task: str
    attempt: int
    released: DatasetReleased


def number_of(trained: ModelTrained) -> int | None:
    """The number that `assign_number` gave a version; None if its name has none."""
    number = trained.model.version.rpartition(".")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else None


class Store:
    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        announced: Announced[ModelTrained],
        *,
        owner: str,
    ) -> None:
        self.database = database
        self.outbox = outbox
        self.announced = announced
        self.table = RunTable("trainer", owner)

    async def enqueue(self, released: DatasetReleased) -> None:
        """Queue a dataset version; an older one still waiting is merged into it.

        `Conflict` if the version is known with another manifest.
        """
        async with self.database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LEASE_LOCK)
            await _refuse_other_manifest(connection, released)
            newest = await connection.fetchval(
                "SELECT max(dataset_number) FROM trainer.runs WHERE task = $1", released.task
            )
            if newest is not None and newest >= released.number:
                return
            await connection.execute(
                "UPDATE trainer.runs SET status = 'merged', finished_at = now(), reason = $2 "
                "WHERE task = $1 AND status = 'queued'",
                released.task,
                f"merged into {released.dataset_version}",
            )
            await connection.execute(
                "INSERT INTO trainer.runs "
                "(run_id, task, dataset_version, dataset_number, released) "
                "VALUES ($1, $2, $3, $4, $5)",
                f"run-{released.dataset_version}",
                released.task,
                released.dataset_version,
                released.number,
                released.model_dump_json(),
            )

    async def lease(self, *, limit: int, seconds: float) -> TrainingRun | None:
        """The next run to work on: a waiting one, or one whose worker is gone."""
        async with self.database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LEASE_LOCK)
            busy = await connection.fetchval(
                "SELECT count(*) FROM trainer.runs "
                "WHERE status = 'running' AND lease_until >= now()"
            )
            if busy >= limit:
                return None
            row = await self.table.lease(connection, _NEXT_RUN, seconds=seconds)
        if row is None:
            return None
        released = DatasetReleased.model_validate_json(row["released"])
        return TrainingRun(row["run_id"], row["task"], row["attempts"], released)

    async def extend(self, run: TrainingRun, *, seconds: float) -> None:
        """Keep the lease; `LostLease` if it is gone."""
        async with self.database.transaction() as connection:
            await self.table.extend(connection, run, seconds=seconds)

    async def report(
        self, run: TrainingRun, progress: dict[str, Any], *, at: datetime, seconds: float
    ) -> None:
        """Record where the run stands and publish it."""
        async with self.database.transaction() as connection:
            await self.table.report(connection, run, progress, seconds=seconds)
            await self._publish(connection, run, at=at, status="running", **_measures(progress))

    async def assign_number(self, run: TrainingRun) -> int:
        """The run's place in its task's versions, given once and kept over restarts, unless it was
        announced: then the tables were restored, and the number stands for another model."""
        announced = await self.announced.numbers(run.task)
        async with self.database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LEASE_LOCK)
            minor: int = await connection.fetchval(
                _ASSIGN_NUMBER, run.run_id, run.task, sorted(announced)
            )
            return minor

    async def succeed(self, run: TrainingRun, trained: ModelTrained) -> None:
        version = trained.model.version
        async with self.database.transaction() as connection:
            await self.table.succeed(connection, run, version=version)
            await self._publish(
                connection, run, at=trained.occurred_at, status="succeeded", version=version
            )
            await self.outbox.add(connection, [trained])

    async def fail(self, run: TrainingRun, reason: str, *, at: datetime) -> None:
        """The run is over; the next release tries again."""
        async with self.database.transaction() as connection:
            await self.table.fail(connection, run, reason)
            await self._publish(connection, run, at=at, status="failed", reason=reason)

    async def release(self, run: TrainingRun, *, counted: bool) -> None:
        """Resumed by the next that leases: no later release merges with what was begun."""
        async with self.database.transaction() as connection:
            await self.table.release(connection, run, counted=counted, requeue=False)

    async def retry(self, run_id: str) -> bool:
        """Queue a failed run again, unless a newer one waits already."""
        async with self.database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LEASE_LOCK)
            queued = await self.table.retry(
                connection,
                "r.run_id = $1 AND NOT EXISTS ("
                "SELECT 1 FROM trainer.runs WHERE task = r.task AND status = 'queued')",
                run_id,
            )
            return queued == 1

    async def runs(self, task: str | None) -> list[asyncpg.Record]:
        async with self.database.transaction() as connection:
            return await connection.fetch(
                """
                SELECT run_id, task, dataset_version, status, attempts, progress, version, reason,
                       queued_at, started_at, finished_at
                FROM trainer.runs WHERE $1::text IS NULL OR task = $1
                ORDER BY queued_at DESC LIMIT 200
                """,
                task,
            )

    async def _publish(
        self, connection: Connection, run: TrainingRun, *, at: datetime, **fields: Any
    ) -> None:
        sequence = await connection.fetchval(
            "UPDATE trainer.runs SET sequence = sequence + 1 WHERE run_id = $1 RETURNING sequence",
            run.run_id,
        )
        event = TrainingProgressed(
            occurred_at=at,
            task=run.task,
            run_id=run.run_id,
            dataset_version=run.released.dataset_version,
            sequence=sequence,
            **fields,
        )
        await self.outbox.add(connection, [event])


def _measures(progress: dict[str, Any]) -> dict[str, Any]:
    names = ("step", "steps", "loss", "validation_loss", "tokens_per_second", "eta_seconds")
    return {name: progress[name] for name in names if progress.get(name) is not None}


async def _refuse_other_manifest(connection: Connection, released: DatasetReleased) -> None:
    version = released.dataset_version
    known = await connection.fetchval(
        "SELECT released -> 'manifest' ->> 'sha256' FROM trainer.runs WHERE dataset_version = $1",
        version,
    )
    if known not in (None, released.manifest.sha256):
        raise Conflict(f"{version} was released with another manifest", field="manifest")
