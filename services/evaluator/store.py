"""The tables `candidates` and `runs`: what is to be compared with what, and who is at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.errors import Conflict
from shared.events import ModelEvaluated, ModelTrained, ServedModel, TrainedModel
from shared.messaging.outbox import Outbox
from shared.runs.run_table import LEASE_LAPSED, RunTable
from shared.storage.database import Database

_SUPERSEDE = """
UPDATE evaluator.runs SET status = 'superseded', finished_at = now(),
    reason = 'the champion is ' || coalesce($2, 'none') || ' by now'
WHERE task = $1 AND status = 'queued' AND champion IS DISTINCT FROM $2
"""
# A comparison that was superseded is wanted again when its champion returns.
_REQUEUE_SUPERSEDED = """
UPDATE evaluator.runs SET status = 'queued', served = $3, reason = NULL, finished_at = NULL
WHERE task = $1 AND status = 'superseded' AND champion IS NOT DISTINCT FROM $2
"""
_QUEUE = """
INSERT INTO evaluator.runs (task, candidate, champion, served)
SELECT c.task, c.version, $2, $3 FROM evaluator.candidates c
WHERE c.task = $1
    AND c.number > coalesce((SELECT number FROM evaluator.candidates WHERE version = $2), 0)
    AND NOT EXISTS (
        SELECT FROM evaluator.runs r
        WHERE r.candidate = c.version AND r.champion IS NOT DISTINCT FROM $2)
ORDER BY c.number
ON CONFLICT DO NOTHING
"""
_NEXT_RUN = f"""
SELECT run_id FROM evaluator.runs WHERE status = 'queued' OR {LEASE_LAPSED}
ORDER BY run_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608


@dataclass(frozen=True)
class EvaluationRun:
    """A leased run. `attempt` counts from 1."""

    run_id: int
    attempt: int
    model: TrainedModel
    champion: ServedModel | None


class Store:
    def __init__(self, database: Database, outbox: Outbox, *, owner: str) -> None:
        self.database = database
        self.outbox = outbox
        self.table = RunTable("evaluator", owner)

    async def add_candidate(self, trained: ModelTrained) -> None:
        """Note it; `Conflict` if the version is known with another manifest. `queue_comparisons`
        queues it against the champion of that moment."""
        model = trained.model
        async with self.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO evaluator.candidates (version, task, model, trained_at) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                model.version,
                trained.task,
                model.model_dump_json(),
                trained.occurred_at,
            )
            known = await connection.fetchval(
                "SELECT model -> 'manifest' ->> 'sha256' FROM evaluator.candidates "
                "WHERE version = $1",
                model.version,
            )
        if known != model.manifest.sha256:
            raise Conflict(f"{model.version} was trained with another manifest", field="model")

    async def tasks(self) -> list[str]:
        async with self.database.transaction() as connection:
            rows = await connection.fetch("SELECT DISTINCT task FROM evaluator.candidates")
        return [row["task"] for row in rows]

    async def queue_comparisons(self, task: str, champion: ServedModel | None) -> None:
        """Queue every candidate newer than the champion that was not compared with it yet."""
        name = champion.version if champion else None
        served = champion.model_dump_json() if champion else None
        async with self.database.transaction() as connection:
            await connection.execute(_SUPERSEDE, task, name)
            await connection.execute(_REQUEUE_SUPERSEDED, task, name, served)
            await connection.execute(_QUEUE, task, name, served)

    async def lease(self, *, seconds: float) -> EvaluationRun | None:
        """The next run to work on: a waiting one, or one whose worker is gone."""
        async with self.database.transaction() as connection:
            row = await self.table.lease(connection, _NEXT_RUN, seconds=seconds)
            if row is None:
                return None
            model = await connection.fetchval(
                "SELECT model FROM evaluator.candidates WHERE version = $1", row["candidate"]
            )
        served = row["served"]
        return EvaluationRun(
            row["run_id"],
            row["attempts"],
            TrainedModel.model_validate_json(model),
            ServedModel.model_validate_json(served) if served else None,
        )

    async def extend(self, run: EvaluationRun, *, seconds: float) -> None:
        """Keep the lease; `LostLease` if it is gone."""
        async with self.database.transaction() as connection:
            await self.table.extend(connection, run, seconds=seconds)

    async def report(
        self, run: EvaluationRun, progress: Mapping[str, Any], *, seconds: float
    ) -> None:
        """Say how far the run is and keep the lease; `LostLease` if it is gone."""
        async with self.database.transaction() as connection:
            await self.table.report(connection, run, progress, seconds=seconds)

    async def succeed(self, run: EvaluationRun, evaluated: ModelEvaluated) -> None:
        async with self.database.transaction() as connection:
            await self.table.succeed(connection, run, evaluated=evaluated.model_dump_json())
            await self.outbox.add(connection, [evaluated])

    async def fail(self, run: EvaluationRun, reason: str) -> None:
        async with self.database.transaction() as connection:
            await self.table.fail(connection, run, reason)

    async def release(self, run: EvaluationRun, *, counted: bool) -> None:
        """Back into the queue, where it is superseded if the champion changes."""
        async with self.database.transaction() as connection:
            await self.table.release(connection, run, counted=counted, requeue=True)

    async def retry(self, candidate: str) -> int:
        """Queue the failed runs of a candidate again; how many there were."""
        async with self.database.transaction() as connection:
            return await self.table.retry(connection, "r.candidate = $1", candidate)

    async def runs(self, *, candidate: str | None = None) -> list[asyncpg.Record]:
        """The newest first."""
        async with self.database.transaction() as connection:
            return await connection.fetch(
                "SELECT run_id, task, candidate, champion, status, attempts, progress, reason, "
                "evaluated, queued_at, started_at, finished_at FROM evaluator.runs "
                "WHERE $1::text IS NULL OR candidate = $1 ORDER BY run_id DESC LIMIT 200",
                candidate,
            )
