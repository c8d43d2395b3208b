"""Earlier cases of the same member and what became of them, kept from the events of the system.

Predictions bring the case, decisions and corrections the label, in any order and more than once.
Rows are written in the order of their keys, so that no two processes wait for each other.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from shared.events import Case, DecisionCorrected, DecisionMade, PredictionMade
from shared.storage.database import Database
from shared.tasks import get_task

_STORE_CASES = """
INSERT INTO review_queue.history (case_id, task, group_id, claim_id, submitted_at, summary)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[])
ON CONFLICT (case_id) DO UPDATE SET group_id = excluded.group_id, claim_id = excluded.claim_id,
    submitted_at = excluded.submitted_at, summary = excluded.summary
"""
_STORE_LABELS = """
INSERT INTO review_queue.history (case_id, task, label, decided_by, decided_at, revision)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::int[])
ON CONFLICT (case_id) DO UPDATE SET label = excluded.label, decided_by = excluded.decided_by,
    decided_at = excluded.decided_at, revision = excluded.revision
WHERE history.revision < excluded.revision OR (
    history.revision = excluded.revision
    AND (history.decided_by, excluded.decided_by) = ('model', 'human'))
"""
_SET_ASIDE = """
UPDATE review_queue.history SET label = NULL, decided_by = NULL, decided_at = NULL, revision = -1
WHERE case_id = ANY($1::text[]) AND decided_by = 'model' RETURNING case_id
"""
_EARLIER_CASES = """
SELECT case_id, claim_id, submitted_at, summary, label, decided_by, decided_at, revision
FROM review_queue.history
WHERE group_id = $1 AND task = $2 AND submitted_at < $3 AND case_id <> $4
ORDER BY submitted_at DESC LIMIT 10
"""


@dataclass(frozen=True)
class HistoryEntry:
    """An earlier case. Without a label it is not decided yet."""

    case_id: str
    claim_id: str | None
    submitted_at: datetime
    summary: dict[str, Any]
    label: str | None
    decided_by: str | None
    decided_at: datetime | None
    corrected: bool


class MemberHistory:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def predictions_made(self, events: Sequence[PredictionMade]) -> None:
        newest = {event.case.case_id: event.case for event in events}
        rows = [_case_row(case) for _, case in sorted(newest.items())]
        async with self.database.transaction() as connection:
            await connection.execute(_STORE_CASES, *zip(*rows, strict=True))

    async def decisions_made(self, events: Sequence[DecisionMade]) -> None:
        await self._store_labels([_DecidedLabel(event, event.decided_by, 0) for event in events])

    async def decisions_corrected(self, events: Sequence[DecisionCorrected]) -> None:
        await self._store_labels(
            [_DecidedLabel(event, "human", event.revision) for event in events]
        )

    async def set_aside_models(self, case_ids: Sequence[str]) -> int:
        """Forget what a model is told to have decided of these cases, which people decide; of how
        many of them it was."""
        async with self.database.transaction() as connection:
            return len(await connection.fetch(_SET_ASIDE, sorted(case_ids)))

    async def _store_labels(self, labels: Sequence["_DecidedLabel"]) -> None:
        by_revision = sorted(labels, key=lambda label: label.revision)
        newest = {label.event.case_id: label for label in by_revision}
        rows = [label.row for _, label in sorted(newest.items())]
        async with self.database.transaction() as connection:
            await connection.execute(_STORE_LABELS, *zip(*rows, strict=True))

    async def earlier_cases(
        self, group_id: str, task: str, *, before: datetime, except_case: str
    ) -> Sequence[HistoryEntry]:
        """The group's newest ten cases that were submitted before."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(_EARLIER_CASES, group_id, task, before, except_case)
        return [_parse_entry(row) for row in rows]


def _parse_entry(row: "asyncpg.Record") -> HistoryEntry:
    return HistoryEntry(
        case_id=row["case_id"],
        claim_id=row["claim_id"],
        submitted_at=row["submitted_at"],
        summary=json.loads(row["summary"]),
        label=row["label"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        corrected=row["revision"] > 0,
    )


@dataclass(frozen=True)
class _DecidedLabel:
    """What an event says of its case: revision 0 is the original decision."""

    event: DecisionMade | DecisionCorrected
    decided_by: str
    revision: int

    @property
    def row(self) -> tuple[object, ...]:
        event = self.event
        return (
            event.case_id,
            event.task,
            event.label,
            self.decided_by,
            event.occurred_at,
            self.revision,
        )


def _case_row(case: Case) -> tuple[object, ...]:
    summary = {field: case.input.get(field) for field in get_task(case.task).presentation.summary}
    return (
        case.case_id,
        case.task,
        case.group_id,
        case.claim_id,
        case.submitted_at,
        json.dumps(summary),
    )
