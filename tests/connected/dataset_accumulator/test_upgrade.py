"""A database of the version before goes on: its imports stay, its copies count once."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from services.dataset_accumulator.app import MIGRATIONS, NAME
from services.dataset_accumulator.labels import label_of_review
from shared.settings import EngineSettings
from shared.storage.database import Database
from tests.connected.dataset_accumulator.harness import running
from tests.support.builders.reviews import completed
from tests.support.engines.lifecycle import fresh_database

BEFORE = ("0001_labels.sql", "0002_releases.sql", "0003_in_part.sql")
_GROUP = "INSERT INTO dataset_accumulator.groups (task, group_id, split) VALUES ($1, $2, $3)"
_LABEL = """
INSERT INTO dataset_accumulator.labels
    (case_id, review_id, task, group_id, split, content_sha256, input, evidence, reason, source,
     inclusion_probability, label, reasoning, import_id)
VALUES ($1, $1, 'adjudication', $2, $3, '', $4, '{}', $5, $6, 1, 'APPROVED', '', $7)
"""
# case, group, split, note, import
LABELS = (
    ("reviewed", "m-1", "train", "one", None),
    ("copy", "m-2", "train", "one", None),
    ("other side", "m-3", "test", "one", None),
    ("own", "m-4", "test", "two", None),
    ("imported", "m-5", "train", "three", "old"),
    ("imported to test", "m-6", "test", "four", "old"),
    ("imported to certify", "m-7", "certification", "five", "old"),
)


async def fill(url: str, settings: EngineSettings, folder: Path) -> None:
    """The tables of the version before, with labels that it had released."""
    for name in BEFORE:
        shutil.copy(MIGRATIONS / name, folder)
    old = Database(settings, schema=NAME, migrations=folder)
    await old.open()
    await old.close()
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO dataset_accumulator.imports "
        "(import_id, task, name, imported_by, splits, release, status) "
        "VALUES ('old', 'adjudication', 'old.csv', 'olga', '{}', false, 'finished')"
    )
    for case_id, group, split, note, import_id in LABELS:
        content = label_of_review(completed()).input
        claim = json.dumps({**content, "clinical_note": note})
        source = ("import", "import") if import_id else ("low_confidence", "review")
        await connection.execute(_GROUP, "adjudication", group, split)
        await connection.execute(_LABEL, case_id, group, split, claim, *source, import_id)
    await connection.close()


async def test_a_filled_database_is_upgraded(engines: Mapping[str, str], tmp_path: Path) -> None:
    async with fresh_database(engines["DATABASE_URL"]) as url:
        fields: dict[str, Any] = {name.lower(): value for name, value in engines.items()}
        await fill(url, EngineSettings.model_validate({**fields, "database_url": url}), tmp_path)

        async with running(engines, url) as accumulator:
            await accumulator.review("new")
            released = await accumulator.releaser.release_by_hand("adjudication", trigger="m:t:1")

            found = await accumulator.fetch(
                "SELECT case_id, withheld FROM dataset_accumulator.labels"
            )
            assert {row["case_id"]: row["withheld"] for row in found} == {
                "reviewed": None,
                "copy": "repeated",
                "other side": "two_sides",
                "own": None,
                "imported": None,
                "imported to test": "held_out",
                "imported to certify": "held_out",
                "new": None,
            }
            counting = sorted(example.case_id for example in accumulator.examples(released))
            assert counting == ["imported", "new", "own", "reviewed"]
            (source,) = accumulator.manifest(released).imports
            assert (source.origin.name, source.origin.confirmed_by, source.labels) == (
                "old.csv",
                None,
                1,
            )
