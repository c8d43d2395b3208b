"""The table `runs` of a schema: whoever holds the lease of a run writes it, and nobody else.

It has the columns `run_id`, `status`, `attempts`, `owner`, `lease_until`, `progress`, `reason`,
`started_at` and `finished_at`, and whatever else its service keeps. The attempt is the fencing
token, and the database's clock decides. Which run is next, and which may be queued again, is for
the service to say, in SQL; no name or condition here ever comes from outside.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.runs.leases import LeasedRun, LostLease
from shared.storage.database import Connection

# A condition on a row of `runs`: its worker is gone.
LEASE_LAPSED = "(status = 'running' AND lease_until < now())"
_CONCLUDING_SECONDS = 1.0  # any lease that outlives the transaction


@dataclass(frozen=True)
class RunTable:
    """`schema.runs`, as `owner` sees it. Every method is one step of the caller's transaction."""

    schema: str
    owner: str

    async def lease(
        self, connection: Connection, next_run: str, *, seconds: float
    ) -> asyncpg.Record | None:
        """The whole row of the run that the query `next_run` selects by its id, now leased.

        None, too, if its worker has finished it, or extended its lease, since it was selected.
        """
        return await connection.fetchrow(
            f"UPDATE {self.schema}.runs SET status = 'running', owner = $1, "  # noqa: S608
            "attempts = attempts + 1, lease_until = now() + make_interval(secs => $2), "
            "started_at = coalesce(started_at, now()) "
            f"WHERE run_id = ({next_run}) AND (status = 'queued' OR {LEASE_LAPSED}) RETURNING *",
            self.owner,
            seconds,
        )

    async def extend(self, connection: Connection, run: LeasedRun, *, seconds: float) -> None:
        """Hold the lease for so many seconds from now; `LostLease` if it is gone."""
        result = await connection.execute(
            f"UPDATE {self.schema}.runs "  # noqa: S608
            "SET lease_until = now() + make_interval(secs => $4) "
            "WHERE run_id = $1 AND owner = $2 AND attempts = $3 AND status = 'running'",
            run.run_id,
            self.owner,
            run.attempt,
            seconds,
        )
        if result != "UPDATE 1":
            raise LostLease(run.run_id)

    async def report(
        self, connection: Connection, run: LeasedRun, progress: Mapping[str, Any], *, seconds: float
    ) -> None:
        """Record how far the run is and extend its lease."""
        await self.extend(connection, run, seconds=seconds)
        await self._set(connection, run, progress=json.dumps(progress))

    async def succeed(self, connection: Connection, run: LeasedRun, **result: object) -> None:
        """The run is over; `result` are the columns that its service keeps of it."""
        await self._conclude(connection, run, status="succeeded", reason=None, **result)

    async def fail(self, connection: Connection, run: LeasedRun, reason: str) -> None:
        """The run is over without a result, until somebody asks for another try."""
        await self._conclude(connection, run, status="failed", reason=reason)

    async def release(
        self, connection: Connection, run: LeasedRun, *, counted: bool, requeue: bool
    ) -> None:
        """Let anybody take the run at once; the attempt counts or was none.

        It waits in the queue again, or stays `running` with a lapsed lease, so that nothing that
        happens to waiting runs happens to one that was begun.
        """
        await self.extend(connection, run, seconds=-1)
        await self._set(
            connection,
            run,
            status="queued" if requeue else "running",
            attempts=run.attempt if counted else run.attempt - 1,
        )

    async def retry(self, connection: Connection, condition: str, *arguments: object) -> int:
        """Queue the failed runs again of which `condition` holds (`r` is their row); how many."""
        result = await connection.execute(
            f"UPDATE {self.schema}.runs AS r SET status = 'queued', attempts = 0, "  # noqa: S608
            f"reason = NULL, finished_at = NULL WHERE status = 'failed' AND {condition}",
            *arguments,
        )
        return int(result.rpartition(" ")[2])

    async def _conclude(self, connection: Connection, run: LeasedRun, **columns: object) -> None:
        await self.extend(connection, run, seconds=_CONCLUDING_SECONDS)
        await connection.execute(
            f"UPDATE {self.schema}.runs SET finished_at = now(), lease_until = NULL, "  # noqa: S608
            f"{_assignments(columns)} WHERE run_id = $1",
            run.run_id,
            *columns.values(),
        )

    async def _set(self, connection: Connection, run: LeasedRun, **columns: object) -> None:
        await connection.execute(
            f"UPDATE {self.schema}.runs SET {_assignments(columns)} WHERE run_id = $1",  # noqa: S608
            run.run_id,
            *columns.values(),
        )


def _assignments(columns: Iterable[str]) -> str:
    """Each column's new value is a parameter; the first parameter is the run's id."""
    return ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, start=2))
