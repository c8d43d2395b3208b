"""The rollouts, the registry and the stage counts. A change and its event commit together."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

import asyncpg
from pydantic import TypeAdapter

from services.promoter import registry
from services.promoter.counting import Observation
from services.promoter.guard import StageCounts
from services.promoter.rollout import apply_evaluation
from services.promoter.state import (
    Change,
    Rollout,
    Transition,
    event_of,
    name_of,
)
from shared.errors import Rejected
from shared.events import ModelEvaluated
from shared.messaging.outbox import Outbox
from shared.storage.database import Connection, Database

_STATE = TypeAdapter(Rollout)

_COUNT_CASES = """
INSERT INTO promoter.counted_cases (rollout_id, case_id)
SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT DO NOTHING RETURNING rollout_id, case_id
"""
_ADD_COUNTS = """
INSERT INTO promoter.stage_counts AS known
    (rollout_id, stage, cases, scored, failed, label_mass, accepted)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (rollout_id, stage) DO UPDATE SET
    cases = known.cases + excluded.cases,
    scored = known.scored + excluded.scored,
    failed = known.failed + excluded.failed,
    label_mass = known.label_mass + excluded.label_mass,
    accepted = known.accepted + excluded.accepted
"""
# Which rollouts are over is asked in the statement itself: one that has just begun would be counted
# anew. `Rollout.rollout_id` and `Rollout.watched`, in SQL.
_FORGET_COUNTED = """
DELETE FROM promoter.counted_cases AS counted WHERE NOT EXISTS (
    SELECT FROM promoter.rollouts
    WHERE task || '-rollout-' || (state ->> 'number') = counted.rollout_id
        AND (state -> 'candidate' <> 'null' OR (state -> 'watching')::boolean))
"""
# What passed against this champion and is not in service, nor was: the newest first. Without a
# champion, nothing that has failed against one since.
_PASSED = """
SELECT e.evaluation FROM promoter.evaluations e JOIN promoter.versions v USING (version)
WHERE v.task = $1 AND e.champion IS NOT DISTINCT FROM $2 AND e.verdict = 'PASS'
    AND v.state IN ('outdated', 'queued', 'held', 'refused')
    AND ($2::text IS NOT NULL OR v.evaluation ->> 'verdict' = 'PASS')
ORDER BY e.taken_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class Snapshot:
    """A task's rollout, what its stage has counted, and the database's time."""

    rollout: Rollout
    counts: StageCounts
    now: datetime


class Store:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self.database = database
        self.outbox = outbox

    async def change(self, task: str, decide: Callable[[Snapshot], Change]) -> Snapshot:
        """Decide under the rollout's lock and record what changed, with its event."""
        async with self.database.transaction() as connection:
            snapshot = await _lock(connection, task)
            return await self._record(connection, snapshot, decide(snapshot))

    async def take_evaluation(self, evaluation: ModelEvaluated) -> None:
        """Register an evaluated version and let it change the rollout, once. `Conflict` if the
        version is another model, or was judged otherwise against the same champion."""
        async with self.database.transaction() as connection:
            snapshot = await _lock(connection, evaluation.task)
            await registry.refuse_other_model(connection, evaluation)
            if await registry.is_new(connection, evaluation):
                await self._apply_evaluation(connection, snapshot, evaluation)

    async def count_cases(self, observations: Sequence[Observation]) -> None:
        """Add the cases that this rollout has not counted yet."""
        first = {(o.rollout_id, o.case_id): o for o in reversed(observations)}
        async with self.database.transaction() as connection:
            pairs = sorted(first)
            rows = await connection.fetch(
                _COUNT_CASES, [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            )
            sums: dict[tuple[str, str], StageCounts] = {}
            for row in rows:
                seen = first[row["rollout_id"], row["case_id"]]
                key = (seen.rollout_id, seen.stage)
                sums[key] = sums.get(key, StageCounts()) + seen.adds
            for (rollout_id, stage), counts in sorted(sums.items(), key=lambda item: item[0]):
                await connection.execute(_ADD_COUNTS, rollout_id, stage, *astuple(counts))

    async def forget_counted(self) -> None:
        """Drop the case ids of rollouts that are over."""
        async with self.database.transaction() as connection:
            await connection.execute(_FORGET_COUNTED)

    async def rollouts(self) -> list[Rollout]:
        async with self.database.transaction() as connection:
            rows = await connection.fetch("SELECT state FROM promoter.rollouts ORDER BY task")
        return [_STATE.validate_json(row["state"]) for row in rows]

    async def snapshot(self, task: str) -> Snapshot:
        """The rollout as it is, without the lock; a task without one has an empty one."""
        async with self.database.transaction() as connection:
            return await _read(connection, task)

    async def history(self, task: str) -> list[asyncpg.Record]:
        async with self.database.transaction() as connection:
            return await connection.fetch(
                "SELECT revision, what, version, who, why, at FROM promoter.transitions "
                "WHERE task = $1 ORDER BY id DESC LIMIT 1000",
                task,
            )

    async def versions(self, task: str | None) -> list[tuple[str, ModelEvaluated]]:
        """Each version's state and newest evaluation, the newest first."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT state, evaluation FROM promoter.versions "
                "WHERE $1::text IS NULL OR task = $1 ORDER BY evaluated_at DESC LIMIT 1000",
                task,
            )
        return [
            (row["state"], ModelEvaluated.model_validate_json(row["evaluation"])) for row in rows
        ]

    async def evaluation(self, task: str, version: str) -> ModelEvaluated:
        """The newest evaluation of a version; `Rejected` if the registry has no such version."""
        async with self.database.transaction() as connection:
            evaluation = await connection.fetchval(
                "SELECT evaluation FROM promoter.versions WHERE task = $1 AND version = $2",
                task,
                version,
            )
        if evaluation is None:
            raise Rejected("is no version of this task", field="version")
        return ModelEvaluated.model_validate_json(evaluation)

    async def unregistered(self, versions: Collection[str]) -> set[str]:
        """Those of the versions that the registry does not have."""
        async with self.database.transaction() as connection:
            return await registry.unregistered(connection, versions)

    async def _apply_evaluation(
        self, connection: Connection, snapshot: Snapshot, evaluation: ModelEvaluated
    ) -> Snapshot:
        known = await registry.register(connection, evaluation)
        change = apply_evaluation(snapshot.rollout, evaluation, known=known, now=snapshot.now)
        return await self._record(connection, snapshot, change)

    async def _record(self, connection: Connection, snapshot: Snapshot, change: Change) -> Snapshot:
        """Write down the change. A champion that returns finds what passed against it before, and
        no champion what passed without one."""
        after = await self._write(connection, snapshot, change)
        champion = name_of(after.rollout.champion)
        if champion == name_of(snapshot.rollout.champion):
            return after
        passed = await connection.fetchval(_PASSED, after.rollout.task, champion)
        if passed is None:
            return after
        return await self._apply_evaluation(
            connection, after, ModelEvaluated.model_validate_json(passed)
        )

    async def _write(self, connection: Connection, snapshot: Snapshot, change: Change) -> Snapshot:
        rollout = change.rollout
        if change.transitions:
            await connection.execute(
                "UPDATE promoter.rollouts SET state = $2, revision = $3, changed_at = $4 "
                "WHERE task = $1",
                rollout.task,
                _STATE.dump_json(rollout).decode(),
                rollout.revision,
                snapshot.now,
            )
            for transition in change.transitions:
                await _note(connection, rollout, transition, at=snapshot.now)
        if rollout.revision > snapshot.rollout.revision:
            await self.outbox.add(connection, [event_of(change, at=snapshot.now)])
        return Snapshot(rollout, await _counts(connection, rollout), snapshot.now)


async def _lock(connection: Connection, task: str) -> Snapshot:
    await connection.execute(
        "INSERT INTO promoter.rollouts (task, revision, state) VALUES ($1, 0, $2) "
        "ON CONFLICT DO NOTHING",
        task,
        _STATE.dump_json(Rollout(task)).decode(),
    )
    return await _read(connection, task, lock="FOR UPDATE")


async def _read(connection: Connection, task: str, *, lock: str = "") -> Snapshot:
    state = await connection.fetchval(
        f"SELECT state FROM promoter.rollouts WHERE task = $1 {lock}",  # noqa: S608
        task,
    )
    rollout = _STATE.validate_json(state) if state else Rollout(task)
    now = await connection.fetchval("SELECT clock_timestamp()")
    return Snapshot(rollout, await _counts(connection, rollout), now)


async def _counts(connection: Connection, rollout: Rollout) -> StageCounts:
    row = await connection.fetchrow(
        "SELECT cases, scored, failed, label_mass, accepted FROM promoter.stage_counts "
        "WHERE rollout_id = $1 AND stage = $2",
        rollout.rollout_id,
        rollout.stage,
    )
    return StageCounts(*row.values()) if row else StageCounts()


async def _note(
    connection: Connection, rollout: Rollout, transition: Transition, *, at: datetime
) -> None:
    if transition.version is not None:
        await connection.execute(
            "UPDATE promoter.versions SET state = $2 WHERE version = $1",
            transition.version,
            transition.what,
        )
    await connection.execute(
        "INSERT INTO promoter.transitions (task, revision, what, version, who, why, at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        rollout.task,
        rollout.revision,
        transition.what,
        transition.version,
        transition.who,
        transition.why,
        at,
    )
