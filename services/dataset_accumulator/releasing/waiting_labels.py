"""What the next dataset version has to say: labels that are new or corrected, and labels to drop.

A label that is withheld waits only if an earlier version has it. The statements repeat the
condition of the partial index `labels_unreleased`, by which they read nothing else.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from shared.events import Split
from shared.storage.database import Connection
from shared.storage.datasets import ImportSource

_PAGE = 500

_COUNT = """
SELECT source, count(*) AS labels FROM dataset_accumulator.labels WHERE task = $1 GROUP BY source
"""
_COUNT_WITHHELD = """
SELECT withheld, count(*) AS labels FROM dataset_accumulator.labels
WHERE task = $1 AND withheld IS NOT NULL GROUP BY withheld
"""
_COUNT_WAITING = """
SELECT split, count(*) AS labels FROM dataset_accumulator.labels
WHERE task = $1 AND CASE WHEN withheld IS NULL THEN released_revision IS DISTINCT FROM revision
                    ELSE released_revision IS NOT NULL END
    AND withheld IS NULL
GROUP BY split
"""
_WAITING = """
SELECT case_id, group_id, split, revision, label, reasoning, reason, source,
    inclusion_probability, input, in_part, released_label, released_revision, withheld, import_id
FROM dataset_accumulator.labels
WHERE task = $1 AND CASE WHEN withheld IS NULL THEN released_revision IS DISTINCT FROM revision
                    ELSE released_revision IS NOT NULL END
ORDER BY id FOR UPDATE
"""
_SOURCES = """
SELECT import_id, name, file_sha256 AS sha256, imports.imported_by, started_at AS imported_at,
    confirmed_by
FROM dataset_accumulator.imports JOIN dataset_accumulator.confirmations USING (import_id)
WHERE import_id = ANY($1::text[]) ORDER BY started_at, import_id
"""
_MARK = """
UPDATE dataset_accumulator.labels
SET released_revision = CASE WHEN withheld IS NULL THEN revision END,
    released_label = CASE WHEN withheld IS NULL THEN label END
WHERE case_id = ANY($1::text[])
"""


@dataclass(frozen=True)
class WaitingLabel:
    """A label as the next dataset version will have it, and what the one before has of it."""

    case_id: str
    group_id: str
    split: Split
    revision: int
    label: str
    reasoning: str
    reason: str
    source: Literal["review", "import"]
    inclusion_probability: float
    input: Mapping[str, Any]
    in_part: bool
    released_label: str | None
    released_revision: int | None
    withheld: str | None  # why the next version must not have it
    import_id: str | None


class WaitingLabels:
    """All of it inside the caller's transaction."""

    async def count(self, connection: Connection, task: str) -> dict[str, int]:
        """How many labels there are, by source, whether or not a dataset version may have them."""
        rows = await connection.fetch(_COUNT, task)
        return {row["source"]: row["labels"] for row in rows}

    async def count_withheld(self, connection: Connection, task: str) -> dict[str, int]:
        """How many labels no dataset version may have, by reason."""
        rows = await connection.fetch(_COUNT_WITHHELD, task)
        return {row["withheld"]: row["labels"] for row in rows}

    async def count_by_split(self, connection: Connection, task: str) -> dict[str, int]:
        """How many labels wait for a release, by split."""
        await _use_index(connection)
        rows = await connection.fetch(_COUNT_WAITING, task)
        return {row["split"]: row["labels"] for row in rows}

    async def read(
        self, connection: Connection, task: str
    ) -> AsyncIterator[Sequence[WaitingLabel]]:
        """The labels that wait for a release, oldest first, locked, a page at a time."""
        await _use_index(connection)
        cursor = await connection.cursor(_WAITING, task)
        while rows := await cursor.fetch(_PAGE):
            yield [_waiting(row) for row in rows]

    async def sources(
        self, connection: Connection, import_ids: Sequence[str]
    ) -> dict[str, ImportSource]:
        """Where the labels of these imports come from."""
        rows = await connection.fetch(_SOURCES, import_ids)
        return {row["import_id"]: ImportSource.model_validate(dict(row)) for row in rows}

    async def mark_released(self, connection: Connection, labels: Sequence[WaitingLabel]) -> None:
        await connection.execute(_MARK, [label.case_id for label in labels])

    async def forget_releases(self, connection: Connection, task: str) -> None:
        """Make every label of the task wait for the next release again."""
        await connection.execute(
            "UPDATE dataset_accumulator.labels SET released_revision = NULL, released_label = NULL "
            "WHERE task = $1 AND released_revision IS NOT NULL",
            task,
            timeout=3600,
        )


async def _use_index(connection: Connection) -> None:
    """Walk `labels_unreleased` for the rest of the transaction, whatever statistics say.

    The planner takes nearly all labels for unreleased, and would read, sort and compile for them.
    """
    await connection.execute(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; "
        "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off"
    )


def _waiting(row: asyncpg.Record) -> WaitingLabel:
    return WaitingLabel(**{**row, "input": json.loads(row["input"])})
