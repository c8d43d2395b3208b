"""The tables `labels` and `corrections`: one label per case, in its newest revision, and of the
labels of one content one that counts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from zlib import crc32

import asyncpg

from services.dataset_accumulator.labels import CaseLabel
from services.dataset_accumulator.placement import Placement, Sides, fix_sides, read_sides
from services.dataset_accumulator.splits import Shares
from shared.errors import Conflict
from shared.events import DecisionCorrected, Split
from shared.sampling import DrawKey
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
     inclusion_probability, input, evidence, in_part, withheld, judged_sha256, text_sha256,
     prompt_version, import_id)
SELECT new.*, $19::text FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::float8[], $12::jsonb[], $13::jsonb[], $14::boolean[],
    $15::text[], $16::text[], $17::text[], $18::text[]) AS new
ON CONFLICT DO NOTHING
"""
# Of one content the first counts; a reviewer's label stands above an imported one.
_RANKED = """
WITH ranked AS (
    SELECT case_id, row_number() OVER (
        PARTITION BY task, text_sha256
        ORDER BY source = 'review' DESC, released_revision IS NOT NULL DESC, id
    ) AS place
    FROM dataset_accumulator.labels
    JOIN unnest($1::text[], $2::text[]) AS wanted (task, text_sha256) USING (task, text_sha256)
    WHERE withheld IS NULL OR withheld = 'repeated'
)
"""
_SET_ASIDE = """
UPDATE dataset_accumulator.labels SET withheld = 'repeated'
FROM ranked WHERE labels.case_id = ranked.case_id AND place > 1 AND withheld IS NULL
"""
_LET_COUNT = """
UPDATE dataset_accumulator.labels SET withheld = NULL
FROM ranked WHERE labels.case_id = ranked.case_id AND place = 1 AND withheld = 'repeated'
"""
_WITHHOLD_IMPORT = """
UPDATE dataset_accumulator.labels SET withheld = 'recalled' WHERE import_id = $1
RETURNING task, text_sha256
"""
_WITHHOLD_CLAIMS = """
UPDATE dataset_accumulator.labels SET withheld = 'automatic'
WHERE source = 'import' AND withheld IS DISTINCT FROM 'recalled'
    AND (case_id = ANY($1::text[]) OR judged_sha256 = ANY($2::text[]))
RETURNING task, text_sha256
"""
_INSERT_CORRECTION = """
INSERT INTO dataset_accumulator.corrections
    (case_id, revision, task, label, reasoning, corrected_by, why, corrected_at, in_part)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
"""
_RECORDED_CORRECTIONS = """
SELECT c.case_id, c.revision, c.task, c.label, c.reasoning, c.corrected_by, c.why, c.corrected_at,
    c.in_part, labels.task AS task_of_label
FROM dataset_accumulator.corrections AS c LEFT JOIN dataset_accumulator.labels USING (case_id)
WHERE c.case_id = ANY($1::text[])
"""
# Whichever comes first, label or correction: the one that comes second finds the other. A
# correction counts once all before it have come.
_APPLY_CORRECTIONS = """
UPDATE dataset_accumulator.labels AS labels
SET revision = newest.revision, label = newest.label, reasoning = newest.reasoning,
    in_part = newest.in_part
FROM (
    SELECT DISTINCT ON (case_id) * FROM (
        SELECT *, row_number() OVER (PARTITION BY case_id ORDER BY revision) AS place
        FROM dataset_accumulator.corrections WHERE case_id = ANY($1::text[])
    ) AS numbered
    WHERE revision = place ORDER BY case_id, revision DESC
) AS newest
WHERE labels.case_id = newest.case_id AND labels.task = newest.task
    AND labels.revision < newest.revision
"""


class Store:
    """`import_splits` are those that imported labels may lie in; elsewhere they are withheld."""

    def __init__(
        self, database: Database, *, key: DrawKey, import_splits: frozenset[Split]
    ) -> None:
        self.database = database
        self.key = key
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
        await connection.execute(_MAKE_WAY, list(first))
        known = await self._hashes(connection, list(first))
        new = [
            label
            for label in labels
            if label is first[label.case_id] and label.case_id not in known
        ]
        await self._insert(connection, new, shares=shares, import_id=import_id)
        hashes = await self._hashes(connection, list(first))
        added = {label.case_id for label in new}
        return [_outcome(label, first[label.case_id], added, hashes) for label in labels]

    async def _insert(
        self,
        connection: Connection,
        labels: Sequence[CaseLabel],
        *,
        shares: Shares,
        import_id: str | None,
    ) -> None:
        if not labels:
            return
        sides = await self.sides(connection, labels)
        rows = [_label_row(label, sides.place(label, shares)) for label in labels]
        await fix_sides(connection, sides)
        await connection.execute(_INSERT, *zip(*rows, strict=True), import_id)
        await self.settle(connection, {(label.task, label.text_sha256) for label in labels})

    async def sides(self, connection: Connection, labels: Sequence[CaseLabel]) -> Sides:
        """What is fixed of the groups and contents of these labels."""
        return await read_sides(connection, labels, key=self.key, import_splits=self.import_splits)

    async def settle(self, connection: Connection, contents: Iterable[tuple[str, str]]) -> None:
        """See to it that of the labels of each of these contents one counts."""
        ordered = sorted(set(contents))
        tasks, hashes = [task for task, _ in ordered], [text for _, text in ordered]
        await connection.execute(_RANKED + _SET_ASIDE, tasks, hashes)
        await connection.execute(_RANKED + _LET_COUNT, tasks, hashes)

    async def _hashes(self, connection: Connection, case_ids: Sequence[str]) -> dict[str, str]:
        rows = await connection.fetch(
            "SELECT case_id, content_sha256 FROM dataset_accumulator.labels "
            "WHERE case_id = ANY($1::text[])",
            case_ids,
        )
        return {row["case_id"]: row["content_sha256"] for row in rows}

    async def withhold_import(self, connection: Connection, import_id: str) -> None:
        """Keep every label of an import out of all later dataset versions."""
        await self._withhold(connection, _WITHHOLD_IMPORT, import_id)

    async def withhold_claims(
        self, connection: Connection, case_ids: Sequence[str], judged: Sequence[str]
    ) -> None:
        """Keep what was imported of these claims out, under whichever id: a model decided them."""
        await self._withhold(connection, _WITHHOLD_CLAIMS, case_ids, judged)

    async def _withhold(self, connection: Connection, statement: str, *arguments: object) -> None:
        """What repeated the content of such a label counts in its place."""
        rows = await connection.fetch(statement, *arguments)
        contents = {(row["task"], row["text_sha256"]) for row in rows if row["text_sha256"]}
        await self.settle(connection, contents)

    async def record_corrections(self, corrections: Sequence[DecisionCorrected]) -> None:
        """Record corrections; one that is known is ignored, `Conflict` if it is another."""
        ordered = sorted(corrections, key=lambda each: (each.case_id, each.revision))
        async with self.database.transaction() as connection:
            await connection.executemany(
                _INSERT_CORRECTION, [_correction_row(each) for each in ordered]
            )
            rows = await connection.fetch(_RECORDED_CORRECTIONS, [each.case_id for each in ordered])
            _refuse_other_corrections(ordered, rows)

    async def apply_corrections(self, case_ids: Sequence[str]) -> None:
        """Bring the labels of these cases to their newest known revision.

        Runs after the transaction that brought a label or a correction has committed, so that of
        two that arrive at once at least the later one sees both. Safe to repeat.
        """
        async with self.database.transaction() as connection:
            await connection.execute(_APPLY_CORRECTIONS, sorted(case_ids))


def _label_row(label: CaseLabel, placement: Placement) -> tuple[object, ...]:
    return (
        label.case_id,
        label.review_id,
        label.task,
        label.group_id,
        placement.split,
        label.content_sha256,
        label.label,
        label.reasoning,
        label.reason,
        label.source,
        label.inclusion_probability,
        json.dumps(label.input),
        json.dumps(label.evidence),
        label.in_part,
        placement.withheld,
        label.judged_sha256,
        label.text_sha256,
        label.prompt_version,
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


def _refuse_other_corrections(
    corrections: Sequence[DecisionCorrected], rows: Sequence[asyncpg.Record]
) -> None:
    recorded = {(row["case_id"], row["revision"]): tuple(row.values()) for row in rows}
    for each in corrections:
        *known, task_of_label = recorded[each.case_id, each.revision]
        if tuple(known) != _correction_row(each):
            raise Conflict("this revision is another correction already", field="revision")
        if task_of_label not in (None, each.task):
            raise Conflict("is not the task of the case's label", field="task")


def _outcome(
    label: CaseLabel, first: CaseLabel, new: set[str], hashes: Mapping[str, str]
) -> LabelOutcome:
    if hashes.get(label.case_id) != label.content_sha256:
        return "other content"
    return "new" if label is first and label.case_id in new else "known"
