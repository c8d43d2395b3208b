"""The table `own_decisions`: which claims this system decided, and whether a model did.

They come back in next month's history file. What a model decided is no expert's judgment there
either, and what a reviewer decided is a label already. Whichever comes first, the decision or the
file, finds the other.
"""

from collections.abc import Sequence

from services.dataset_accumulator.labels import history_case_id
from services.dataset_accumulator.store import Store
from shared.events import DecisionMade
from shared.storage.database import Connection

_RECORD = """
INSERT INTO dataset_accumulator.own_decisions
    (case_id, history_case_id, judged_sha256, decided_by)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""


async def record_own_decisions(
    connection: Connection, store: Store, decisions: Sequence[DecisionMade]
) -> None:
    """Remember these decisions, and withhold what was imported as an expert's of a model's."""
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
    by_models = [each for each in ordered if each.decided_by == "model"]
    await store.withhold_claims(
        connection,
        [claims[each.case_id] for each in by_models if each.case_id in claims],
        [each.judged_sha256 for each in by_models if each.judged_sha256],
    )
