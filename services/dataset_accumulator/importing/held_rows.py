"""The table `held_rows`: what a file brought, before anybody has confirmed it.

A held row is no label. It becomes one when its import is admitted, in one transaction.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass

from services.dataset_accumulator.importing.importers.rows import Refusal
from services.dataset_accumulator.labels import CaseLabel
from shared.storage.database import Connection

_PAGE = 500
_LINES_NAMED = 8

_HOLD = """
INSERT INTO dataset_accumulator.held_rows
    (import_id, line, case_id, content_sha256, judged_sha256, label)
SELECT $1, new.* FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::jsonb[]) AS new
"""
_LINES_OF_ONE_CLAIM = """
SELECT array_agg(line ORDER BY line) AS lines FROM dataset_accumulator.held_rows
WHERE import_id = $1 GROUP BY case_id HAVING count(DISTINCT content_sha256) > 1
"""
_DROP_COPIES = """
DELETE FROM dataset_accumulator.held_rows AS held
USING (
    SELECT case_id, min(line) AS first FROM dataset_accumulator.held_rows
    WHERE import_id = $1 GROUP BY case_id
) AS kept
WHERE held.import_id = $1 AND held.case_id = kept.case_id AND held.line <> kept.first
"""
_DROP_KNOWN = """
DELETE FROM dataset_accumulator.held_rows AS held USING dataset_accumulator.labels
WHERE held.import_id = $1 AND labels.case_id = held.case_id
    AND labels.content_sha256 = held.content_sha256 AND labels.withheld IS DISTINCT FROM 'recalled'
"""
_KNOWN_OTHERWISE = """
SELECT line, labels.withheld = 'recalled' AS recalled FROM dataset_accumulator.held_rows AS held
JOIN dataset_accumulator.labels USING (case_id)
WHERE held.import_id = $1
    AND (labels.withheld IS DISTINCT FROM 'recalled' OR labels.released_revision IS NOT NULL)
ORDER BY line
"""
_DECIDED_HERE = """
SELECT line, bool_or(decided_by = 'model') AS by_model FROM dataset_accumulator.held_rows AS held
JOIN dataset_accumulator.own_decisions AS own
    ON own.history_case_id = held.case_id OR own.judged_sha256 = held.judged_sha256
WHERE held.import_id = $1 GROUP BY line ORDER BY line
"""
_BY_OUR_MODEL = "this system's own model decided this claim: that is no expert's judgment"
_BY_OUR_REVIEWERS = "this system's reviewers decided this claim: their label is here already"
_OTHER_CONTENT = "was imported before with other content"
_STILL_RELEASED = "was recalled, but the newest dataset version still has it: make a release first"


@dataclass(frozen=True)
class Sifted:
    """What is left of an import's rows, and what was found of the others."""

    left: int
    duplicates: int
    refused: Sequence[Refusal]


async def hold(
    connection: Connection, import_id: str, labels: Sequence[tuple[int, CaseLabel]]
) -> None:
    """Keep these labels, each with its line, until their import is admitted."""
    await connection.execute(
        _HOLD,
        import_id,
        [line for line, _ in labels],
        [label.case_id for _, label in labels],
        [label.content_sha256 for _, label in labels],
        [label.judged_sha256 for _, label in labels],
        [json.dumps(asdict(label)) for _, label in labels],
    )


async def sift(connection: Connection, import_id: str, *, claim_column: str) -> Sifted:
    """Take out what is no label of its own: lines of one claim, copies, what is known already, what
    this system decided itself.

    Lines that say different things of one claim are all refused: which of them would be the claim?
    """
    lines = [
        Refusal(line, claim_column, _one_row_a_claim(row["lines"]))
        for row in await connection.fetch(_LINES_OF_ONE_CLAIM, import_id)
        for line in row["lines"]
    ]
    await _drop(connection, import_id, lines)
    decided_here = [
        Refusal(row["line"], claim_column, _BY_OUR_MODEL if row["by_model"] else _BY_OUR_REVIEWERS)
        for row in await connection.fetch(_DECIDED_HERE, import_id)
    ]
    await _drop(connection, import_id, decided_here)
    duplicates = _count(await connection.execute(_DROP_COPIES, import_id))
    duplicates += _count(await connection.execute(_DROP_KNOWN, import_id))
    known = [
        Refusal(row["line"], claim_column, _STILL_RELEASED if row["recalled"] else _OTHER_CONTENT)
        for row in await connection.fetch(_KNOWN_OTHERWISE, import_id)
    ]
    await _drop(connection, import_id, known)
    left = await connection.fetchval(
        "SELECT count(*) FROM dataset_accumulator.held_rows WHERE import_id = $1", import_id
    )
    return Sifted(left, duplicates, [*lines, *decided_here, *known])


async def held_labels(connection: Connection, import_id: str) -> AsyncIterator[list[CaseLabel]]:
    """The labels that an import holds, in the order of its file, a page at a time."""
    cursor = await connection.cursor(
        "SELECT label FROM dataset_accumulator.held_rows WHERE import_id = $1 ORDER BY line",
        import_id,
    )
    while rows := await cursor.fetch(_PAGE):
        yield [CaseLabel(**json.loads(row["label"])) for row in rows]


async def drop_held(connection: Connection, import_id: str) -> None:
    await connection.execute(
        "DELETE FROM dataset_accumulator.held_rows WHERE import_id = $1", import_id
    )


async def _drop(connection: Connection, import_id: str, refused: Sequence[Refusal]) -> None:
    await connection.execute(
        "DELETE FROM dataset_accumulator.held_rows WHERE import_id = $1 AND line = ANY($2::int[])",
        import_id,
        [row.line for row in refused],
    )


def _one_row_a_claim(lines: Sequence[int]) -> str:
    named = ", ".join(str(line) for line in lines[:_LINES_NAMED])
    more = ", …" if len(lines) > _LINES_NAMED else ""
    return (
        f"lines {named}{more} are about one claim and differ: "
        "write each claim as one row with all its codes and its total"
    )


def _count(status: str) -> int:
    """The rows that a statement changed, as PostgreSQL's command tag says."""
    return int(status.rpartition(" ")[2])
