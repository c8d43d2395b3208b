"""The tables `groups`, `labels` and `corrections`: one label per case, in its newest revision."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from services.dataset_accumulator.labels import CaseLabel
from services.dataset_accumulator.splits import Shares, split_of
from shared.events import DecisionCorrected, Split
from shared.sampling import DrawKey
from shared.storage.database import Connection, Database

LabelOutcome = Literal["new", "known", "other content"]

_PAGE = 500

_INSERT = """
INSERT INTO dataset_accumulator.labels
    (case_id, review_id, task, group_id, split, content_sha256, label, reasoning, reason, source,
     inclusion_probability, input, evidence, in_part, import_id)
SELECT new.*, $15::text FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::float8[], $12::jsonb[], $13::jsonb[],
    $14::boolean[]) AS new
ON CONFLICT DO NOTHING
RETURNING case_id
"""
_INSERT_CORRECTION = """
INSERT INTO dataset_accumulator.corrections
    (case_id, revision, task, label, reasoning, corrected_by, why, corrected_at, in_part)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
"""
# Whichever comes first, label or correction: the one that comes second finds the other.
_APPLY_CORRECTIONS = """
UPDATE dataset_accumulator.labels AS labels
SET revision = newest.revision, label = newest.label, reasoning = newest.reasoning,
    in_part = newest.in_part
FROM (
    SELECT DISTINCT ON (case_id) case_id, task, revision, label, reasoning, in_part
    FROM dataset_accumulator.corrections WHERE case_id = ANY($1::text[])
    ORDER BY case_id, revision DESC
) AS newest
WHERE labels.case_id = newest.case_id AND labels.task = newest.task
    AND labels.revision < newest.revision
"""
_COUNT = """
SELECT source, count(*) AS labels FROM dataset_accumulator.labels WHERE task = $1 GROUP BY source
"""
# Both read the partial index `labels_unreleased`, whose condition they repeat.
_COUNT_UNRELEASED = """
SELECT split, count(*) AS labels FROM dataset_accumulator.labels
WHERE task = $1 AND released_revision IS DISTINCT FROM revision GROUP BY split
"""
_UNRELEASED = """
SELECT case_id, group_id, split, revision, label, reasoning, reason, source,
    inclusion_probability, input, in_part, released_label
FROM dataset_accumulator.labels
WHERE task = $1 AND released_revision IS DISTINCT FROM revision ORDER BY id FOR UPDATE
"""


@dataclass(frozen=True)
class UnreleasedLabel:
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


class Store:
    def __init__(self, database: Database, *, key: DrawKey) -> None:
        self.database = database
        self.key = key

    async def add(
        self,
        connection: Connection,
        labels: Sequence[CaseLabel],
        *,
        shares: Shares,
        import_id: str | None = None,
    ) -> list[LabelOutcome]:
        """Store the labels whose cases are new; what became of each, in the order given."""
        if not labels:
            return []
        first = {label.case_id: label for label in reversed(labels)}
        ordered = sorted(first.values(), key=lambda label: label.case_id)
        splits = await self._splits(connection, ordered, shares)
        rows = [_label_row(label, splits[label.task, label.group_id]) for label in ordered]
        inserted = await connection.fetch(_INSERT, *zip(*rows, strict=True), import_id)
        new = {row["case_id"] for row in inserted}
        hashes = await self._hashes(connection, list(first))
        return [_outcome(label, first[label.case_id], new, hashes) for label in labels]

    async def _splits(
        self, connection: Connection, labels: Sequence[CaseLabel], shares: Shares
    ) -> dict[tuple[str, str], str]:
        """The split of each label's group; a new group is drawn into one and keeps it."""
        keys = sorted({(label.task, label.group_id) for label in labels})
        drawn = [split_of(group, task=task, key=self.key, shares=shares) for task, group in keys]
        tasks, groups = [task for task, _ in keys], [group for _, group in keys]
        await connection.execute(
            "INSERT INTO dataset_accumulator.groups (task, group_id, split, draw_key) "
            "SELECT *, $4 FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING",
            tasks,
            groups,
            drawn,
            self.key.version,
        )
        rows = await connection.fetch(
            "SELECT task, group_id, split FROM dataset_accumulator.groups "
            "JOIN unnest($1::text[], $2::text[]) AS wanted (task, group_id) USING (task, group_id)",
            tasks,
            groups,
        )
        return {(row["task"], row["group_id"]): row["split"] for row in rows}

    async def _hashes(self, connection: Connection, case_ids: Sequence[str]) -> dict[str, str]:
        rows = await connection.fetch(
            "SELECT case_id, content_sha256 FROM dataset_accumulator.labels "
            "WHERE case_id = ANY($1::text[])",
            case_ids,
        )
        return {row["case_id"]: row["content_sha256"] for row in rows}

    async def record_corrections(self, corrections: Sequence[DecisionCorrected]) -> None:
        """Record corrections; one that is known is ignored."""
        ordered = sorted(corrections, key=lambda each: (each.case_id, each.revision))
        async with self.database.transaction() as connection:
            await connection.executemany(
                _INSERT_CORRECTION, [_correction_row(each) for each in ordered]
            )

    async def apply_corrections(self, case_ids: Sequence[str]) -> None:
        """Bring the labels of these cases to their newest known revision.

        Runs after the transaction that brought a label or a correction has committed, so that of
        two that arrive at once at least the later one sees both. Safe to repeat.
        """
        async with self.database.transaction() as connection:
            await connection.execute(_APPLY_CORRECTIONS, sorted(case_ids))

    async def count(self, connection: Connection, task: str) -> dict[str, int]:
        """How many labels there are, by source."""
        rows = await connection.fetch(_COUNT, task)
        return {row["source"]: row["labels"] for row in rows}

    async def count_unreleased(self, connection: Connection, task: str) -> dict[str, int]:
        """How many labels wait for a release, by split."""
        await _use_index(connection)
        rows = await connection.fetch(_COUNT_UNRELEASED, task)
        return {row["split"]: row["labels"] for row in rows}

    async def unreleased(
        self, connection: Connection, task: str
    ) -> AsyncIterator[Sequence[UnreleasedLabel]]:
        """The labels that wait for a release, oldest first, locked, a page at a time."""
        await _use_index(connection)
        cursor = await connection.cursor(_UNRELEASED, task)
        while rows := await cursor.fetch(_PAGE):
            yield [_unreleased(row) for row in rows]

    async def mark_released(
        self, connection: Connection, labels: Sequence[UnreleasedLabel]
    ) -> None:
        await connection.execute(
            "UPDATE dataset_accumulator.labels "
            "SET released_revision = revision, released_label = label "
            "WHERE case_id = ANY($1::text[])",
            [label.case_id for label in labels],
        )

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


def _label_row(label: CaseLabel, split: str) -> tuple[object, ...]:
    return (
        label.case_id,
        label.review_id,
        label.task,
        label.group_id,
        split,
        label.content_sha256,
        label.label,
        label.reasoning,
        label.reason,
        label.source,
        label.inclusion_probability,
        json.dumps(label.input),
        json.dumps(label.evidence),
        label.in_part,
    )


def _correction_row(correction: DecisionCorrected) -> tuple[object, ...]:
    return (
        correction.case_id,
        correction.revision,
        correction.task,
        correction.label,
        correction.reasoning,
        correction.corrected_by,
        correction.why,
        correction.occurred_at,
        correction.approved_amount is not None,
    )


def _outcome(
    label: CaseLabel, first: CaseLabel, new: set[str], hashes: Mapping[str, str]
) -> LabelOutcome:
    if hashes.get(label.case_id) != label.content_sha256:
        return "other content"
    return "new" if label is first and label.case_id in new else "known"


def _unreleased(row: asyncpg.Record) -> UnreleasedLabel:
    return UnreleasedLabel(**{**row, "input": json.loads(row["input"])})
