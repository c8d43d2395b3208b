"""Opinions in and out of their table."""

import asyncpg

from services.review_queue.reviewing.opinions import Answer, GivenOpinion
from shared.events import Criterion, Opinion
from shared.storage.database import Connection

_ADD = """
INSERT INTO review_queue.opinions (review_id, seat, reviewer, label, label_before, reasoning,
    reason_code, clinical_basis, criterion, approved_amount, panels, dwell_seconds)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


async def add_opinion(
    connection: Connection,
    held: "asyncpg.Record",
    answer: Answer,
    *,
    label_before: str | None,
    panels: tuple[str, ...],
) -> None:
    """Keep an answer; `held` is the assignment's row, with its `dwell` in seconds."""
    await connection.execute(
        _ADD,
        held["review_id"],
        held["seat"],
        held["reviewer"],
        answer.label,
        label_before,
        answer.reasoning,
        answer.reason_code,
        answer.clinical_basis,
        answer.criterion.model_dump_json() if answer.criterion else None,
        answer.approved_amount,
        panels,
        held["dwell"],
    )


def given(row: "asyncpg.Record") -> GivenOpinion:
    """Read an opinion joined with its seat's kind."""
    return GivenOpinion(row["kind"], answer(row), opinion(row))


def answer(row: "asyncpg.Record") -> Answer:
    return Answer(
        label=row["label"],
        reasoning=row["reasoning"],
        approved_amount=row["approved_amount"],
        reason_code=row["reason_code"],
        criterion=_criterion(row),
        clinical_basis=row["clinical_basis"],
    )


def opinion(row: "asyncpg.Record") -> Opinion:
    return Opinion(
        reviewer=row["reviewer"],
        label=row["label"],
        label_before=row["label_before"],
        reason_code=row["reason_code"],
        criterion=_criterion(row),
        clinical_basis=row["clinical_basis"],
        reasoning=row["reasoning"],
        decided_at=row["decided_at"],
        dwell_seconds=row["dwell_seconds"],
        panels=tuple(row["panels"]),
    )


def _criterion(row: "asyncpg.Record") -> Criterion | None:
    return Criterion.model_validate_json(row["criterion"]) if row["criterion"] else None
