"""The tables `candidates` and `runs`: what is to be compared with what, and who is at it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.events import ModelEvaluated, ModelTrained, ServedModel, TrainedModel
from shared.messaging.outbox import Outbox
from shared.runs.leases import hold
from shared.storage.database import Connection, Database

_SUPERSEDE = """
UPDATE evaluator.runs SET status = 'superseded', finished_at = now(),
    reason = 'the champion is ' || coalesce($2, 'none') || ' by now'
WHERE task = $1 AND status = 'queued' AND champion IS DISTINCT FROM $2
"""
# A comparison that was superseded is wanted again when its champion returns.
_RETURN = """
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
_LEASE = """
UPDATE evaluator.runs AS r SET status = 'running', owner = $1, attempts = attempts + 1,
    lease_until = now() + make_interval(secs => $2), started_at = coalesce(started_at, now())
FROM evaluator.candidates c
WHERE c.version = r.candidate AND r.run_id = (
    SELECT run_id FROM evaluator.runs
    WHERE status = 'queued' OR (status = 'running' AND lease_until < now())
    ORDER BY run_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING r.run_id, r.attempts, r.served, c.model
"""


@dataclass(frozen=True)
class Run:
    """A leased run. `attempt` counts from 1."""

    run_id: int
    attempt: int
    model: TrainedModel
    champion: ServedModel | None


class Store:
    def __init__(self, database: Database, outbox: Outbox, *, owner: str) -> None:
        self.database = database
        self.outbox = outbox
        self.owner = owner

    async def add(self, trained: ModelTrained) -> None:
        """Note a candidate. It is queued by `queue`, against the champion of that moment."""
        async with self.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO evaluator.candidates (version, task, model, trained_at) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                trained.model.version,
                trained.task,
                trained.model.model_dump_json(),
                trained.occurred_at,
            )

    async def tasks(self) -> list[str]:
        async with self.database.transaction() as connection:
            rows = await connection.fetch("SELECT DISTINCT task FROM evaluator.candidates")
        return [row["task"] for row in rows]

    async def queue(self, task: str, champion: ServedModel | None) -> None:
        """Queue every candidate newer than the champion that was not compared with it yet."""
        name = champion.version if champion else None
        served = champion.model_dump_json() if champion else None
        async with self.database.transaction() as connection:
            await connection.execute(_SUPERSEDE, task, name)
            await connection.execute(_RETURN, task, name, served)
            await connection.execute(_QUEUE, task, name, served)

    async def lease(self, *, seconds: float) -> Run | None:
        """The next run to work on: a waiting one, or one whose worker is gone."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_LEASE, self.owner, seconds)
        if row is None:
            return None
        served = row["served"]
        return Run(
            row["run_id"],
            row["attempts"],
            TrainedModel.model_validate_json(row["model"]),
            ServedModel.model_validate_json(served) if served else None,
        )

    async def report(self, run: Run, progress: Mapping[str, Any], *, seconds: float) -> None:
        """Say how far the run is and keep the lease; `LostLease` if it is gone."""
        async with self.database.transaction() as connection:
            await self._hold(connection, run, seconds=seconds)
            await connection.execute(
                "UPDATE evaluator.runs SET progress = progress || $2 WHERE run_id = $1",
                run.run_id,
                json.dumps(progress),
            )

    async def succeed(self, run: Run, evaluated: ModelEvaluated) -> None:
        async with self.database.transaction() as connection:
            await self._hold(connection, run, seconds=1)
            await connection.execute(
                "UPDATE evaluator.runs SET status = 'succeeded', evaluated = $2, "
                "finished_at = now(), lease_until = NULL, reason = NULL WHERE run_id = $1",
                run.run_id,
                evaluated.model_dump_json(),
            )
            await self.outbox.add(connection, [evaluated])

    async def fail(self, run: Run, reason: str) -> None:
        """The run is over without a result, until somebody asks for a new try."""
        async with self.database.transaction() as connection:
            await self._hold(connection, run, seconds=1)
            await connection.execute(
                "UPDATE evaluator.runs SET status = 'failed', reason = $2, finished_at = now(), "
                "lease_until = NULL WHERE run_id = $1",
                run.run_id,
                reason,
            )

    async def release(self, run: Run, *, counted: bool) -> None:
        """Give the run back at once. An attempt counts unless something outside was away."""
        async with self.database.transaction() as connection:
            await self._hold(connection, run, seconds=0)
            await connection.execute(
                "UPDATE evaluator.runs SET status = 'queued', attempts = attempts - $2, "
                "lease_until = NULL WHERE run_id = $1",
                run.run_id,
                0 if counted else 1,
            )

    async def retry(self, candidate: str) -> int:
        """Queue the failed runs of a candidate again; how many there were."""
        async with self.database.transaction() as connection:
            result = await connection.execute(
                "UPDATE evaluator.runs SET status = 'queued', attempts = 0, reason = NULL, "
                "finished_at = NULL WHERE candidate = $1 AND status = 'failed'",
                candidate,
            )
        return int(result.rpartition(" ")[2])

    async def runs(self, *, candidate: str | None = None) -> list[asyncpg.Record]:
        """The newest first."""
        async with self.database.transaction() as connection:
            return await connection.fetch(
                "SELECT run_id, task, candidate, champion, status, attempts, progress, reason, "
                "evaluated, queued_at, started_at, finished_at FROM evaluator.runs "
                "WHERE $1::text IS NULL OR candidate = $1 ORDER BY run_id DESC LIMIT 200",
                candidate,
            )

    async def _hold(self, connection: Connection, run: Run, *, seconds: float) -> None:
        await hold(
            connection,
            "evaluator",
            run.run_id,
            owner=self.owner,
            attempt=run.attempt,
            seconds=seconds,
        )
