"""The tables `groups`, `labels` and `corrections`: one label per case, in its newest revision."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from zlib import crc32

from services.dataset_accumulator.labels import CaseLabel
from services.dataset_accumulator.splits import Shares, split_of
from shared.events import DecisionCorrected, Split
from shared.storage.database import Connection, Database

LabelOutcome = Literal["new", "known", "other content"]

# A recalled label gives way to a new import of its claim, once no dataset version has it.
_MAKE_WAY = """
DELETE FROM dataset_accumulator.labels
WHERE case_id = ANY($1::text[]) AND withheld = 'recalled' AND released_revision IS NULL
"""
_INSERT = """
INSERT INTO dataset_accumulator.labels
    (case_id, review_id, task, group_id, split, content_sha256, label, reasoning, reason, source,
     inclusion_probability, input, evidence, in_part, withheld, import_id)
SELECT new.*, $16::text FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::float8[], $12::jsonb[], $13::jsonb[], $14::boolean[],
    $15::text[]) AS new
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


class Store:
    """`import_splits` are those that imported labels may lie in; elsewhere they are withheld."""

    def __init__(self, database: Database, *, salt: str, import_splits: frozenset[Split]) -> None:
        self.database = database
        self.salt = salt
        self.import_splits = import_splits

    async def lock(self, connection: Connection, tasks: Iterable[str]) -> None:
        """Let no other process change which labels these tasks have until the transaction ends."""
        for task in sorted(set(tasks)):
            key = crc32(f"labels {task}".encode())
            await connection.execute("SELECT pg_advisory_xact_lock($1)", key)

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
        await self.lock(connection, (label.task for label in labels))
        first = {label.case_id: label for label in reversed(labels)}
        ordered = sorted(first.values(), key=lambda label: label.case_id)
        splits = await self._splits(connection, ordered, shares)
        rows = [self._label_row(label, splits[label.task, label.group_id]) for label in ordered]
        await connection.execute(_MAKE_WAY, list(first))
        inserted = await connection.fetch(_INSERT, *zip(*rows, strict=True), import_id)
        new = {row["case_id"] for row in inserted}
        hashes = await self._hashes(connection, list(first))
        return [_outcome(label, first[label.case_id], new, hashes) for label in labels]

    async def _splits(
        self, connection: Connection, labels: Sequence[CaseLabel], shares: Shares
    ) -> dict[tuple[str, str], Split]:
        """The split of each label's group; a new group is drawn into one and keeps it."""
        keys = sorted({(label.task, label.group_id) for label in labels})
        drawn = [split_of(group, task=task, salt=self.salt, shares=shares) for task, group in keys]
        tasks, groups = [task for task, _ in keys], [group for _, group in keys]
        await connection.execute(
            "INSERT INTO dataset_accumulator.groups (task, group_id, split) "
            "SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING",
            tasks,
            groups,
            drawn,
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

    async def withhold_import(self, connection: Connection, import_id: str) -> None:
        """Keep every label of an import out of all later dataset versions."""
        await connection.execute(
            "UPDATE dataset_accumulator.labels SET withheld = 'recalled' WHERE import_id = $1",
            import_id,
        )

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

    def _label_row(self, label: CaseLabel, split: Split) -> tuple[object, ...]:
        kept_out = label.source == "import" and split not in self.import_splits
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
            "held_out" if kept_out else None,
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
