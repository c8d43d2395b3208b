"""The table `own_decisions`: which claims this system decided, and whether a model did.

They come back in next month's history file. What a model decided is no expert's judgment there
either, and what a reviewer decided is a label already. Whichever comes first, the decision or the
file, finds the other.
"""

from collections.abc import Sequence

from services.dataset_accumulator.labels import history_case_id
from services.dataset_accumulator.store import Store
from shared.errors import Conflict
from shared.events import DecisionMade
from shared.storage.database import Connection

_RECORD = """
INSERT INTO dataset_accumulator.own_decisions
    (case_id, history_case_id, judged_sha256, decided_by)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
_RECORDED = """
SELECT case_id, decided_by, judged_sha256 FROM dataset_accumulator.own_decisions
WHERE case_id = ANY($1::text[])
"""
_REVIEWED = """
SELECT case_id FROM dataset_accumulator.labels
WHERE case_id = ANY($1::text[]) AND source = 'review'
"""


async def refuse_decided_by_models(connection: Connection, case_ids: Sequence[str]) -> None:
    """`Conflict` if a model has decided one of these cases: then no reviewer has."""
    rows = await connection.fetch(_RECORDED, case_ids)
    if any(row["decided_by"] == "model" for row in rows):
        raise Conflict("a model has decided this case", field="case.case_id")


async def record_own_decisions(
    connection: Connection, store: Store, decisions: Sequence[DecisionMade]
) -> None:
    """Remember these decisions, and withhold what was imported as an expert's of a model's.

    `Conflict` if a case is decided otherwise already: it has one original decision.
    """
    ordered = sorted(decisions, key=lambda each: each.case_id)
    claims = {
        each.case_id: history_case_id(each.task, each.claim_id) for each in ordered if each.claim_id
    }
    await connection.executemany(
        _RECORD,
        [
            (each.case_id, claims.get(each.case_id), each.judged_sha256, each.decided_by)
            for each in ordered
        ],
    )
    await _refuse_second_decisions(connection, ordered)
    by_models = [each for each in ordered if each.decided_by == "model"]
    await store.withhold_claims(
        connection,
        [claims[each.case_id] for each in by_models if each.case_id in claims],
        [each.judged_sha256 for each in by_models if each.judged_sha256],
    )


async def _refuse_second_decisions(
    connection: Connection, decisions: Sequence[DecisionMade]
) -> None:
    case_ids = [each.case_id for each in decisions]
    recorded = {row["case_id"]: row for row in await connection.fetch(_RECORDED, case_ids)}
    reviewed = {row["case_id"] for row in await connection.fetch(_REVIEWED, case_ids)}
    for each in decisions:
        row = recorded[each.case_id]
        if (row["decided_by"], row["judged_sha256"]) != (each.decided_by, each.judged_sha256):
            raise Conflict("the case is decided otherwise already", field="decided_by")
        if each.decided_by == "model" and each.case_id in reviewed:
            raise Conflict("reviewers have decided this case", field="decided_by")
