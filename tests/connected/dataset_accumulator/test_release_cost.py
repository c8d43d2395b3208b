"""What a release costs follows from what is new, not from the size of the table.

Counted in blocks that PostgreSQL touches, which is the same on every machine.
"""

import json
from contextlib import AsyncExitStack

from services.dataset_accumulator.labels import label_of_review
from tests.connected.dataset_accumulator.harness import Accumulator, running
from tests.support.builders.reviews import completed
from tests.support.engines.lifecycle import fresh_database

NEW = 200
SMALL, LARGE = 1_000, 50_000
_GROUPS = """
INSERT INTO dataset_accumulator.groups (task, group_id, split)
SELECT 'adjudication', 'old-' || n, 'train' FROM generate_series(1, $1::int) AS n
"""
_CONTENTS = """
INSERT INTO dataset_accumulator.contents (task, text_sha256, split)
SELECT 'adjudication', 'old-' || n, 'train' FROM generate_series(1, $1::int) AS n
"""
_LABELS = """
INSERT INTO dataset_accumulator.labels
    (case_id, review_id, task, group_id, split, content_sha256, input, evidence, reason, source,
     inclusion_probability, label, reasoning, text_sha256, prompt_version)
SELECT 'old-' || n, 'old-' || n, 'adjudication', 'old-' || n, 'train', '', $2, $3, 'adverse',
    'review', 1, 'DENIED', 'not supported', 'old-' || n, $4
FROM generate_series(1, $1::int) AS n
"""
_RELEASED = "UPDATE dataset_accumulator.labels SET released_revision = 0, released_label = label"
_BLOCKS = """
SELECT sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::int AS blocks
FROM pg_statio_user_tables WHERE schemaname = 'dataset_accumulator' AND relname = 'labels'
"""


async def fill(accumulator: Accumulator, labels: int) -> None:
    """Released labels, and statistics from before their release, as a first import leaves them.

    What vacuums beside the test would touch blocks, too.
    """
    await accumulator.fetch("ALTER TABLE dataset_accumulator.labels SET (autovacuum_enabled = off)")
    example = label_of_review(completed())
    content, evidence = json.dumps(example.input), json.dumps(example.evidence)
    await accumulator.fetch(_GROUPS, labels)
    await accumulator.fetch(_CONTENTS, labels)
    await accumulator.fetch(_LABELS, labels, content, evidence, example.prompt_version)
    await accumulator.fetch("ANALYZE dataset_accumulator.labels")
    await accumulator.fetch(_RELEASED)


async def blocks(accumulator: Accumulator) -> int:
    await accumulator.fetch("SELECT pg_stat_force_next_flush()")
    (found,) = await accumulator.fetch(_BLOCKS)
    return int(found["blocks"])


async def cost(accumulator: Accumulator, name: str) -> int:
    """Blocks touched by a release of new labels; the second, when old index entries are gone."""
    for turn in range(2):
        # One word a case: of the same words in another order, one counts.
        await accumulator.review(*(f"{name}-{turn}n{number}" for number in range(NEW)))
        before = await blocks(accumulator)
        assert await accumulator.releaser.release_at_threshold("adjudication") is not None
        touched = await blocks(accumulator) - before
    return touched


async def test_a_release_in_a_large_table_touches_little_more_than_in_a_small_one(
    engines: dict[str, str],
) -> None:
    costs = []
    async with AsyncExitStack() as exits:
        for labels in (SMALL, LARGE):
            url = await exits.enter_async_context(fresh_database(engines["DATABASE_URL"]))
            accumulator = await exits.enter_async_context(
                running(engines, url, threshold=NEW, connections=1)
            )
            await fill(accumulator, labels)
            costs.append(await cost(accumulator, f"of-{labels}"))

    # The indexes of a table 50 times as large are one level deeper; a scan costs ten times more.
    assert costs[1] < 2 * costs[0]
