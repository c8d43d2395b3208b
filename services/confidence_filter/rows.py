"""The rows of `routings`: one a case, added once and never changed.

Whether a case is the first of its claim and of its content is the unique indexes' word, so that it
holds for any number of processes at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Literal

from shared.events import RouteReason
from shared.storage.database import Connection
from shared.tasks.fields import compared
from shared.tasks.task import Standing


@dataclass(frozen=True)
class Row:
    """A routing. None of what is optional: there is none, or, of a restored one, it is unknown."""

    case_id: str
    task: str
    content_sha256: str
    route: Literal["accept", "review"]
    reason: RouteReason
    inclusion_probability: float
    label: str | None
    adverse: bool | None
    confidence: float | None
    label_mass: float | None
    model_version: str | None
    rollout_id: str | None
    rollout_revision: int | None
    standing: Standing
    claim_id: str | None  # as it is compared, to say which claims are the same
    attempt: int
    judged_sha256: str
    draw_key: str | None
    routed_at: datetime
    restored: bool = False
    repeats_claim: bool = False
    repeats_content: bool = False

    @property
    def claim_or_case(self) -> str:
        """Processes insert in this order, so that they do not wait for each other; the cases of a
        claim stay as they came, so that the first of them is first."""
        return self.claim_id or self.case_id


_INSERT = f"""
INSERT INTO confidence_filter.routings ({", ".join(field.name for field in fields(Row))})
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[],
    $7::text[], $8::bool[], $9::float8[], $10::float8[], $11::text[], $12::text[], $13::int[],
    $14::text[], $15::text[], $16::int[], $17::text[], $18::text[], $19::timestamptz[],
    $20::bool[], $21::bool[], $22::bool[])
ON CONFLICT DO NOTHING
RETURNING case_id
"""  # noqa: S608


async def insert_rows(connection: Connection, rows: Sequence[Row]) -> set[str]:
    """The cases whose rows could be inserted: no row has them, or is the first where theirs would
    be."""
    if not rows:
        return set()
    ordered = sorted(rows, key=lambda row: row.claim_or_case)
    columns = list(zip(*(vars(row).values() for row in ordered), strict=True))
    return {row["case_id"] for row in await connection.fetch(_INSERT, *columns)}


async def insert_repetitions(connection: Connection, rows: Sequence[Row]) -> set[str]:
    """The same of cases that are not the first of their claim, of their content, or of both. What
    they are the first of, a later case repeats."""
    inserted: set[str] = set()
    for claim, content in ((True, False), (False, True), (True, True)):
        left = [
            replace(row, repeats_claim=claim, repeats_content=content)
            for row in rows
            if row.case_id not in inserted
        ]
        inserted |= await insert_rows(connection, left)
    return inserted


def compared_claim(claim_id: str | None) -> str | None:
    """A claim id as a row has it."""
    return compared(claim_id) if claim_id else None
