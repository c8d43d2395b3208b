"""History comes in by HTTP: good rows in, bad rows listed, nothing twice, tokens wanted."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.auth.permissions import ROLES, SCOPES
from tests.connected.dataset_accumulator.harness import Accumulator
from tests.connected.dataset_accumulator.import_harness import bring_in, confirm, send
from tests.support.builders.histories import csv_file, row
from tests.support.callers import as_machine, as_person
from tests.support.patience import PATIENCE_SECONDS

READERS = {"operator", "lead", "auditor", "observe"}


async def test_good_rows_come_in_and_bad_rows_are_listed(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    rows = [row(1), row(2, diagnosis_codes="bad"), row(3), row(3)]
    content = csv_file(rows)

    answer = await send(client, content)

    report = answer.json()
    assert answer.status_code == 201
    assert (report["rows"], report["accepted"], report["duplicates"]) == (4, 2, 1)
    assert [(r["line"], r["field"]) for r in report["refused"]] == [(3, "diagnosis_codes")]
    assert (report["status"], report["imported_by"]) == ("held", "olga")
    assert report["file_sha256"] == hashlib.sha256(content).hexdigest()
    assert report["bytes_read"] == report["bytes_total"] == len(content)
    assert (await client.get(f"/v1/imports/{report['import_id']}")).json() == report
    await confirm(client, report["import_id"])
    labels = await accumulator.fetch("SELECT * FROM dataset_accumulator.labels ORDER BY id")
    assert {(found["reason"], found["source"]) for found in labels} == {("import", "import")}
    assert {found["inclusion_probability"] for found in labels} == {1.0}
    assert "FINDING" in labels[0]["evidence"]
    assert "FINDING" not in labels[0]["input"]


async def test_the_same_file_again_adds_nothing(client: httpx.AsyncClient) -> None:
    content = csv_file([row(number) for number in range(20)])
    await bring_in(client, content, release=True)

    again = await bring_in(client, content, release=True)

    assert (again["accepted"], again["duplicates"], again["refused_rows"]) == (0, 20, 0)
    assert again["dataset_version"] is None
    assert len((await client.get("/v1/datasets")).json()) == 1


async def test_two_imports_of_one_file_at_once_import_once(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    numbers = range(1200)

    reports = await asyncio.gather(
        bring_in(client, csv_file([row(number) for number in numbers])),
        bring_in(client, csv_file([row(number) for number in reversed(numbers)])),
    )

    assert sum(report["accepted"] for report in reports) == 1200
    assert sum(report["refused_rows"] for report in reports) == 0
    (found,) = await accumulator.fetch("SELECT count(*) FROM dataset_accumulator.labels")
    assert found["count"] == 1200


async def test_all_refusals_can_be_read_page_by_page(client: httpx.AsyncClient) -> None:
    content = csv_file([row(number, final_decision="?") for number in range(250)])

    report = (await send(client, content)).json()

    path = f"/v1/imports/{report['import_id']}/refused"
    assert (report["refused_rows"], len(report["refused"])) == (250, 100)
    pages = [
        (await client.get(path, params={"limit": 200, "after": after})).json() for after in (0, 201)
    ]
    assert [found["line"] for page in pages for found in page] == list(range(2, 252))


async def test_a_release_follows_at_once_and_only_once(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    content = csv_file([row(1), row(2, final_decision="DENIED")])

    report = await bring_in(client, content, release=True)
    await accumulator.review("later")
    await accumulator.releaser.release_after_import("adjudication", report["import_id"])

    assert (await client.get(f"/v1/imports/{report['import_id']}")).json() == report
    (released,) = (await client.get("/v1/datasets", params={"task": "adjudication"})).json()
    assert report["dataset_version"] == released["dataset_version"] == "adjudication-d1"
    assert released["trigger"] == f"import:{report['import_id']}"
    manifest = (await client.get("/v1/datasets/adjudication-d1")).json()
    assert manifest["counts"]["train"] == {"APPROVED": 1, "DENIED": 1, "PENDING": 0}
    assert manifest["reasons"] == {"import": 2}
    (event,) = await accumulator.events()
    assert not any("FINDING" in found.model_dump_json() for found in accumulator.examples(event))


async def test_shares_of_an_import_count_for_new_members_only(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    await bring_in(client, csv_file([row(1, member_id="M-old")]), splits="calibration=1")

    more = csv_file([row(2, member_id="M-old"), row(3)])
    await bring_in(client, more, splits='{"validation": 1}')

    found = await accumulator.fetch("SELECT split FROM dataset_accumulator.labels ORDER BY id")
    assert sorted(label["split"] for label in found) == ["calibration"] * 2 + ["validation"]


async def test_a_form_works_like_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/v1/imports",
        files={"file": ("claims.csv", csv_file([row(1), row(2)]), "text/csv")},
        data={"task": "adjudication", "splits": "validation=1", "release": "true"},
    )

    report = answer.json()
    assert (answer.status_code, report["accepted"], report["name"]) == (201, 2, "claims.csv")
    assert report["splits"]["validation"] == 1.0
    confirmed = (await confirm(client, report["import_id"])).json()
    assert confirmed["dataset_version"] == "adjudication-d1"


@pytest.mark.parametrize(
    ("content", "query", "why", "field"),
    [
        (b"claim_id,policy_id\n1,2\n", {}, "lacks the columns diagnosis_codes", "diagnosis_codes"),
        ("claim_id\n".encode("utf-16"), {}, "save the file as UTF-8", None),
        (b"", {}, "the file is empty", None),
        (csv_file([row(1)]), {"task": "astrology"}, "tasks are adjudication", "task"),
        (csv_file([row(1)]), {"task": ""}, "tasks are adjudication", "task"),
        (csv_file([row(1)]), {"format": "xml"}, "formats are csv", "format"),
        (csv_file([row(1)]), {"splits": "train=2"}, "between 0 and 1", "splits"),
        (csv_file([row(1)]), {"splits": "test=1"}, "never test a model", "splits"),
        (csv_file([row(1)]), {"splits": "train=0.9,certification=0.1"}, "never certify", "splits"),
        (csv_file([row(1)]), {"release": "perhaps"}, "valid boolean", "release"),
    ],
)
async def test_a_file_that_cannot_come_in_is_a_422_that_says_why(
    client: httpx.AsyncClient,
    accumulator: Accumulator,
    *,
    content: bytes,
    query: dict[str, Any],
    why: str,
    field: str | None,
) -> None:
    answer = await send(client, content, **query)

    assert answer.status_code == 422
    assert why in answer.json()["detail"]
    assert answer.json()["field"] == field
    assert await accumulator.fetch("SELECT FROM dataset_accumulator.labels") == []


async def test_a_failed_import_is_on_record_and_nothing_of_it_comes_in(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    content = csv_file([row(number) for number in range(600)]) + b"x" * (2 << 20)

    answer = await send(client, content, release=True)

    (found,) = (await client.get("/v1/imports")).json()
    assert answer.status_code == 422
    assert (found["status"], found["rows"], found["accepted"]) == ("failed", 500, 0)
    assert await accumulator.fetch("SELECT FROM dataset_accumulator.held_rows") == []
    assert "is this a CSV file" in found["why"]
    assert (await client.get("/v1/datasets")).json() == []


async def test_progress_is_told_while_the_file_comes(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    """The threshold is 3 labels; 500 are read, and the file is not at its end."""
    content = csv_file([row(number) for number in range(1000)])
    middle = content.index(b"CLM-700,")
    go_on = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield content[:middle]
        await go_on.wait()
        yield content[middle:]

    sending = asyncio.create_task(bring_in(client, body(), release=True))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := (await client.get("/v1/imports")).json()) or not found[0]["rows"]:
            await asyncio.sleep(0.05)
    released = await accumulator.releaser.release_at_threshold("adjudication")
    go_on.set()
    report = await sending

    assert (found[0]["status"], found[0]["rows"], found[0]["accepted"]) == ("running", 500, 500)
    assert 0 < found[0]["bytes_read"] <= middle
    assert released is None
    assert (report["status"], report["accepted"]) == ("finished", 1000)
    assert [e.new_labels for e in await accumulator.events()] == [1000]


async def test_an_import_that_fell_silent_is_given_up_and_sent_again(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    content = csv_file([row(number) for number in range(5)])
    silent = (await send(client, content)).json()["import_id"]
    age = (
        "UPDATE dataset_accumulator.imports SET status = 'running', "
        "updated_at = now() - $1::interval"
    )
    await accumulator.fetch(age, timedelta(minutes=2))
    (found,) = (await client.get("/v1/imports")).json()
    assert found["status"] == "interrupted"
    await accumulator.fetch(age, timedelta(hours=2))

    again = await bring_in(client, content)

    assert (again["status"], again["accepted"], again["duplicates"]) == ("finished", 5, 0)
    first = (await client.get(f"/v1/imports/{silent}")).json()
    assert (first["status"], first["why"]) == ("failed", "the upload broke off")
    assert await accumulator.fetch("SELECT FROM dataset_accumulator.held_rows") == []


async def test_progress_towards_the_next_training(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    await bring_in(client, csv_file([row(1), row(2)]), release=True)
    await bring_in(client, csv_file([row(3)]))
    await send(client, csv_file([row(4)]))

    found = (await client.get("/v1/labels/progress")).json()

    assert set(found) == {"adjudication", "independent_review"}
    assert found["adjudication"] == {
        "train_unreleased": 1,
        "unreleased": {"train": 1},
        "threshold": 3,
        "minimum": 2,
        "next_schedule": "2026-03-08T03:00:00Z",
        "released": ["adjudication-d1"],
    }
    count = await client.get("/v1/labels/count", params={"task": "adjudication"})
    assert count.json() == {"imported": 3, "reviewed": 0, "withheld": {}}


async def test_releases_by_hand(client: httpx.AsyncClient) -> None:
    order = {"task": "adjudication", "key": "before the audit"}
    assert (await client.post("/v1/releases", json=order)).status_code == 409
    await bring_in(client, csv_file([row(1)]))

    first, again = [(await client.post("/v1/releases", json=order)).json() for _ in range(2)]

    assert first == again
    assert first["trigger"] == "manual:olga:before the audit"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/imports?task=adjudication", {"operator", "import"}),
        ("GET", "/v1/imports", READERS),
        ("GET", "/v1/imports/import-1", READERS),
        ("GET", "/v1/imports/import-1/refused", READERS),
        ("POST", "/v1/imports/import-1/confirm", {"operator", "lead"}),
        ("POST", "/v1/imports/import-1/recall", {"operator", "lead"}),
        ("GET", "/v1/labels/progress", READERS),
        ("GET", "/v1/labels/count?task=adjudication", READERS),
        ("GET", "/v1/datasets", READERS),
        ("GET", "/v1/datasets/adjudication-d1", READERS),
        ("POST", "/v1/releases", {"operator", "operate"}),
    ],
)
async def test_every_route_wants_a_caller_of_the_right_kind(
    app: FastAPI, method: str, path: str, allowed: set[str]
) -> None:
    content = csv_file([row(1)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
        nobody = await client.request(method, path, content=content)
        wrong = await client.request(
            method, path, content=content, headers={"Authorization": "Bearer operator-token-1234x"}
        )
        assert (nobody.status_code, wrong.status_code) == (401, 401)
        people = [(str(role), as_person(role)) for role in ROLES]
        machines = [(str(scope), as_machine(scope)) for scope in SCOPES]
        for kind, headers in people + machines:
            answer = await client.request(method, path, content=content, headers=headers)
            assert (answer.status_code == 403) == (kind not in allowed), kind


async def test_unknown_imports_and_versions_are_not_found(client: httpx.AsyncClient) -> None:
    for path in ("/v1/imports/x", "/v1/imports/x/refused", "/v1/datasets/x"):
        assert (await client.get(path)).status_code == 404
