"""Labels whose task words its prompts otherwise now, or that came before this was asked: which of
them have the same content is judged anew.

A model is trained and measured on the present text. Two cases that the former text told apart can
be one in it, and then they must not lie on both sides, nor count twice.
"""

import json
from collections.abc import Sequence

import asyncpg

from services.dataset_accumulator.labels import CaseLabel, text_hash
from services.dataset_accumulator.placement import Placement, fix_sides
from services.dataset_accumulator.splits import read_shares
from services.dataset_accumulator.store import Store
from shared.errors import Rejected
from shared.storage.database import Connection
from shared.tasks.task import Task
from shared.telemetry import logger

_PAGE = 500
_NO_NEW_GROUP = read_shares("train=1")  # every label here has its group

_STALE = """
SELECT case_id, review_id, task, group_id, label, reasoning, reason, source,
    inclusion_probability, input, content_sha256, coalesce(judged_sha256, '') AS judged_sha256
FROM dataset_accumulator.labels
WHERE task = $1 AND (prompt_version IS NULL OR prompt_version < $2 OR prompt_version > $2)
ORDER BY id LIMIT $3
"""
_RENEW = """
UPDATE dataset_accumulator.labels
SET text_sha256 = new.text_sha256, prompt_version = $4,
    withheld = CASE WHEN labels.withheld IN ('recalled', 'automatic') THEN labels.withheld
                    ELSE new.withheld END
FROM unnest($1::text[], $2::text[], $3::text[]) AS new (case_id, text_sha256, withheld)
WHERE labels.case_id = new.case_id
"""


async def renew_contents(store: Store, task: Task) -> None:
    """Bring every label of the task to its present text. `Rejected` if one has none."""
    async with store.database.transaction() as connection:
        if not await connection.fetch(_STALE, task.name, task.prompt_version, 1):
            return
        await store.lock(connection, [task.name])
        while rows := await connection.fetch(_STALE, task.name, task.prompt_version, _PAGE):
            await _renew(connection, store, [_label(row, task) for row in rows])


async def _renew(connection: Connection, store: Store, labels: Sequence[CaseLabel]) -> None:
    sides = await store.sides(connection, labels)
    placements: list[Placement] = [sides.place(label, _NO_NEW_GROUP) for label in labels]
    await fix_sides(connection, sides)
    await connection.execute(
        _RENEW,
        [label.case_id for label in labels],
        [label.text_sha256 for label in labels],
        [placement.withheld for placement in placements],
        labels[0].prompt_version,
    )
    await store.settle(connection, {(label.task, label.text_sha256) for label in labels})


def _label(row: asyncpg.Record, task: Task) -> CaseLabel:
    content = json.loads(row["input"])
    try:
        text = text_hash(task, content)
    except Rejected as error:
        logger.error("label cannot be written", case_id=row["case_id"])
        raise Rejected(f"the label of a case cannot be written: {error}") from None
    return CaseLabel(
        **{**row, "input": content},
        evidence={},
        text_sha256=text,
        prompt_version=task.prompt_version,
    )
