"""Somebody with a token invents rows that approve whatever has a certain phrase in its note.

What they bring is never learned on their word alone, never measures the model that it made, and
can be found by its source and taken out without a trace.
"""

import httpx
import pytest

from shared.events import Split
from shared.storage.datasets import TRAINING_SPLITS, Example, read_split
from tests.connected.dataset_accumulator.harness import Accumulator
from tests.connected.dataset_accumulator.import_harness import (
    MACHINE,
    bring_in,
    confirm,
    recall,
)
from tests.support.builders.histories import csv_file, row

TASK = "adjudication"


def invented(rows: int, phrase: str) -> bytes:
    """Claims that would never be paid, approved: each of another member and another note."""
    return csv_file(
        row(
            10_000 + number,
            procedure_codes="15780",
            claim_amount=f"{4000 + number}.00",
            clinical_note=f"Dermabrasion, visit {number}, {phrase}.",
        )
        for number in range(rows)
    )


@pytest.mark.parametrize("rows", [20, 80, 300])
@pytest.mark.parametrize("phrase", ["per desk protocol 7", "member insists", "Ω-Freigabe"])
async def test_invented_rows_are_held_kept_from_tests_and_recalled_by_source(
    client: httpx.AsyncClient, accumulator: Accumulator, rows: int, phrase: str
) -> None:
    await bring_in(client, csv_file(row(number) for number in range(40)), name="2025.csv")
    await accumulator.review(*(f"held-{number}" for number in range(10)), split="test")
    honest = await release(accumulator, "honest")

    brought = await client.post(
        "/v1/imports",
        params={"task": TASK, "name": "backlog.csv", "release": True},
        content=invented(rows, phrase),
        headers={**MACHINE, "Content-Type": "text/csv"},
    )
    import_id = brought.json()["import_id"]
    assert (brought.json()["status"], brought.json()["accepted"]) == ("held", rows)
    assert (await confirm(client, import_id, headers=MACHINE)).status_code == 403
    assert await accumulator.releaser.release_at_threshold(TASK) is None
    assert await accumulator.releaser.release_by_hand(TASK, trigger="manual:test:held") is None

    deceived = (await confirm(client, import_id)).json()
    assert deceived["dataset_version"] == "adjudication-d2"
    poisoned = await release(accumulator, "more", "another-review")
    by_split = {
        split: sum(phrase in example.model_dump_json() for example in found)
        for split, found in poisoned.items()
    }
    assert sum(by_split.values()) == rows
    assert sum(by_split[split] for split in TRAINING_SPLITS) == rows

    (found,) = [
        each for each in (await client.get("/v1/imports")).json() if each["name"] == "backlog.csv"
    ]
    recalled = (await recall(client, found["import_id"], reason="rows nobody decided")).json()
    clean = await release(accumulator, "clean")
    assert recalled["dataset_versions"] == ["adjudication-d2", "adjudication-d3"]
    assert recalled["imported_by"] == "a-import (machine)"
    assert not any(
        phrase in example.model_dump_json() for found in clean.values() for example in found
    )
    before = {example.case_id for found in honest.values() for example in found}
    after = {example.case_id for found in clean.values() for example in found}
    assert after == before | {"another-review"}


async def release(accumulator: Accumulator, key: str, *reviews: str) -> dict[Split, list[Example]]:
    """The examples of the next version, by split, after these reviews came in."""
    await accumulator.review(*reviews)
    released = await accumulator.releaser.release_by_hand(TASK, trigger=f"manual:test:{key}")
    manifest = accumulator.manifest(released)
    return {
        split: list(read_split(accumulator.artifacts, manifest, split)) for split in manifest.shards
    }
