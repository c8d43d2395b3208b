"""Opinions in and out of their table: nothing is lost on the way, and nothing is added."""

import asyncpg

from services.review_queue.reviewing.opinions import Answer, GivenOpinion, dollars_of
from shared.events import Criterion, Opinion
from shared.storage.database import Connection

_INSERT = """
INSERT INTO review_queue.opinions (review_id, seat, reviewer, label, label_before, reasoning,
    reason_code, clinical_basis, criterion, approved_amount, panels, dwell_seconds, simulated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    EXISTS (SELECT FROM review_queue.users WHERE name = $3 AND simulated))
"""


async def insert_opinion(
    connection: Connection,
    submitted: "asyncpg.Record",
    answer: Answer,
    *,
    panels: tuple[str, ...],
) -> None:
    """`submitted` is the assignment's row, with its `dwell` in seconds."""
    await connection.execute(
        _INSERT,
        submitted["review_id"],
        submitted["seat"],
        submitted["reviewer"],
        answer.label,
        submitted["label_before"],
        answer.reasoning,
        answer.reason_code,
        answer.clinical_basis,
        answer.criterion.model_dump_json() if answer.criterion else None,
        answer.approved_amount,
        panels,
        submitted["dwell"],
    )


def parse_given_opinion(row: "asyncpg.Record") -> GivenOpinion:
    return GivenOpinion(row["kind"], parse_answer(row), parse_opinion(row))


def parse_answer(row: "asyncpg.Record") -> Answer:
    return Answer(
        label=row["label"],
        reasoning=row["reasoning"],
        approved_amount=row["approved_amount"],
        reason_code=row["reason_code"],
        criterion=_parse_criterion(row),
        clinical_basis=row["clinical_basis"],
    )


def parse_opinion(row: "asyncpg.Record") -> Opinion:
    """Of an opinion joined with its seat's kind."""
    return Opinion(
        reviewer=row["reviewer"],
        kind=row["kind"],
        label=row["label"],
        label_before=row["label_before"],
        approved_amount=dollars_of(row["approved_amount"]),
        reason_code=row["reason_code"],
        criterion=_parse_criterion(row),
        clinical_basis=row["clinical_basis"],
        reasoning=row["reasoning"],
        decided_at=row["decided_at"],
        dwell_seconds=row["dwell_seconds"],
        simulated=row["simulated"],
        panels=tuple(row["panels"]),
    )


def _parse_criterion(row: "asyncpg.Record") -> Criterion | None:
    return Criterion.model_validate_json(row["criterion"]) if row["criterion"] else None
