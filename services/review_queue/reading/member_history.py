"""Earlier cases of the same member and what became of them, kept from the events of the system.

Predictions bring the case, decisions and corrections the label, in any order and more than once.
Rows are written in the order of their keys, so that no two processes wait for each other.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.events import DecisionCorrected, DecisionMade, PredictionMade
from shared.storage.database import Database
from shared.tasks import get_task

_CASES = """
INSERT INTO review_queue.history (case_id, task, group_id, claim_id, submitted_at, summary)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[])
ON CONFLICT (case_id) DO UPDATE SET group_id = excluded.group_id, claim_id = excluded.claim_id,
    submitted_at = excluded.submitted_at, summary = excluded.summary
"""
_LABELS = """
INSERT INTO review_queue.history (case_id, task, label, decided_by, decided_at, revision)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::int[])
ON CONFLICT (case_id) DO UPDATE SET label = excluded.label, decided_by = excluded.decided_by,
    decided_at = excluded.decided_at, revision = excluded.revision
WHERE history.revision < excluded.revision
"""
_EARLIER = """
SELECT case_id, claim_id, submitted_at, summary, label, decided_by, decided_at, revision
FROM review_queue.history
WHERE group_id = $1 AND task = $2 AND submitted_at < $3 AND case_id <> $4
ORDER BY submitted_at DESC LIMIT 10
"""


@dataclass(frozen=True)
class Earlier:
    """A case of before. Without a label it is not decided yet."""

    case_id: str
    claim_id: str | None
    submitted_at: datetime
    summary: dict[str, Any]
    label: str | None
    decided_by: str | None
    decided_at: datetime | None
    corrected: bool


class History:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def predictions_made(self, events: Sequence[PredictionMade]) -> None:
        newest = {event.case.case_id: event.case for event in events}
        rows = [
            (
                case.case_id,
                case.task,
                case.group_id,
                case.claim_id,
                case.submitted_at,
                json.dumps(_summary(case.task, case.input)),
            )
            for _, case in sorted(newest.items())
        ]
        async with self.database.transaction() as connection:
            await connection.execute(_CASES, *zip(*rows, strict=True))

    async def decisions_made(self, events: Sequence[DecisionMade]) -> None:
        await self._label([(event, event.decided_by, 0) for event in events])

    async def decisions_corrected(self, events: Sequence[DecisionCorrected]) -> None:
        await self._label([(event, "human", event.revision) for event in events])

    async def _label(
        self, decided: Sequence[tuple[DecisionMade | DecisionCorrected, str, int]]
    ) -> None:
        newest = {
            event.case_id: (event, by, at) for event, by, at in sorted(decided, key=_revision)
        }
        rows = [
            (event.case_id, event.task, event.label, by, event.occurred_at, revision)
            for _, (event, by, revision) in sorted(newest.items())
        ]
        async with self.database.transaction() as connection:
            await connection.execute(_LABELS, *zip(*rows, strict=True))

    async def earlier(
        self, group_id: str, task: str, *, before: datetime, but: str
    ) -> Sequence[Earlier]:
        """The group's newest ten cases that were submitted before."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_EARLIER, group_id, task, before, but)
        return [
            Earlier(
                case_id=row["case_id"],
                claim_id=row["claim_id"],
                submitted_at=row["submitted_at"],
                summary=json.loads(row["summary"]),
                label=row["label"],
                decided_by=row["decided_by"],
                decided_at=row["decided_at"],
                corrected=row["revision"] > 0,
            )
            for row in rows
        ]


def _revision(decided: tuple[DecisionMade | DecisionCorrected, str, int]) -> int:
    return decided[2]


def _summary(task: str, content: dict[str, Any]) -> dict[str, Any]:
    return {field: content.get(field) for field in get_task(task).presentation.summary}
