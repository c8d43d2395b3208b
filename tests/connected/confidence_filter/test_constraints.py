"""What the database refuses, whoever writes to it, and that a filled one of before upgrades."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.confidence_filter.app import MIGRATIONS, NAME
from shared.settings import EngineSettings
from shared.storage.database import Database
from shared.tasks import TASKS
from tests.connected.confidence_filter.harness import Filter, of_claim, running

ACCEPTED: dict[str, Any] = {
    "case_id": "case-1",
    "task": "adjudication",
    "content_sha256": "0" * 64,
    "route": "accept",
    "reason": "confident",
    "inclusion_probability": 0.05,
    "label": "APPROVED",
    "adverse": False,
    "rollout_revision": 1,
    "standing": "passed",
    "claim_id": "CLM-1",
    "attempt": 1,
    "judged_sha256": "1" * 64,
    "repeats_claim": False,
    "repeats_content": False,
}
CHECK = asyncpg.CheckViolationError
DEFINED = asyncpg.ForeignKeyViolationError


async def insert(process: Filter, **changes: Any) -> None:
    row = {**ACCEPTED, **changes}
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await process.fetch(
        f"INSERT INTO confidence_filter.routings ({', '.join(row)}) VALUES ({places})",
        *row.values(),
    )


async def test_what_may_be_accepted_is_taken(one: Filter) -> None:
    await insert(one)
    assert await one.routes() == {"case-1": "confident"}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"standing": "open"}, CHECK),
        ({"standing": "unchecked"}, CHECK),
        ({"standing": None}, CHECK),
        ({"standing": "fine"}, CHECK),
        ({"label": "DENIED", "adverse": True}, CHECK),
        ({"label": "DENIED", "adverse": False}, DEFINED),
        ({"label": "PAID", "adverse": False}, DEFINED),
        ({"task": "dental"}, DEFINED),
        ({"label": None}, CHECK),
        ({"label": None, "adverse": None}, CHECK),
        ({"attempt": 2}, CHECK),
        ({"repeats_claim": True}, CHECK),
        ({"repeats_content": True}, CHECK),
        ({"judged_sha256": None}, CHECK),
        ({"reason": "audit"}, CHECK),
        ({"inclusion_probability": 1e-9}, CHECK),
    ],
    ids=str,
)
async def test_the_database_refuses_an_acceptance(
    one: Filter, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await insert(one, **changes)


@pytest.mark.parametrize("other_one", [{"judged_sha256": "2" * 64}, {"claim_id": "CLM-2"}], ids=str)
async def test_the_database_refuses_a_second_acceptance(
    one: Filter, other_one: dict[str, Any]
) -> None:
    await insert(one)
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(one, case_id="case-2", **other_one)


async def test_a_label_that_changes_its_side_stops_the_start(
    one: Filter, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = TASKS["adjudication"]
    turned = tuple(replace(label, adverse=not label.adverse) for label in task.labels)
    monkeypatch.setitem(TASKS, "adjudication", replace(task, labels=turned))
    with pytest.raises(RuntimeError, match="keeps its meaning"):
        async with running(database):
            raise AssertionError("it started")


async def test_a_filled_table_of_before_keeps_its_rows(database: str, tmp_path: Path) -> None:
    shutil.copy(MIGRATIONS / "0001_routings.sql", tmp_path)
    settings = EngineSettings.model_validate({"database_url": database})
    earlier = Database(settings, schema=NAME, migrations=tmp_path)
    connection = await asyncpg.connect(database)
    await connection.execute(f"DROP SCHEMA IF EXISTS {NAME} CASCADE")
    await earlier.open()
    await earlier.close()
    of_before = {name: ACCEPTED[name] for name in list(ACCEPTED)[:9]}
    await connection.execute(
        f"INSERT INTO {NAME}.routings ({', '.join(of_before)}) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *of_before.values(),
    )
    await connection.close()

    async with running(database) as upgraded:
        await upgraded.take(of_claim("case-2"))
        assert await upgraded.routes() == {"case-1": "confident", "case-2": "confident"}
