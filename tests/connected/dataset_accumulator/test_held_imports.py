"""Nothing that somebody brought is learned from before a second person has let it in, and it can
be found and taken out again by its source."""

import asyncio
import hashlib
from typing import Any

import httpx
import pytest

from shared.errors import Conflict
from shared.storage.datasets import CountedSource, ImportSource
from tests.connected.dataset_accumulator.harness import Accumulator, of_group
from tests.connected.dataset_accumulator.import_harness import (
    MACHINE,
    OPERATOR,
    bring_in,
    confirm,
    recall,
    send,
)
from tests.support.builders.histories import csv_file, row

TASK = "adjudication"
LABELS = "SELECT case_id, withheld, split FROM dataset_accumulator.labels ORDER BY id"


def history(*numbers: int, **changes: str) -> bytes:
    return csv_file([row(number, **changes) for number in numbers])


async def release(accumulator: Accumulator, key: str) -> Any:
    return await accumulator.releaser.release_by_hand(TASK, trigger=f"manual:test:{key}")


async def test_a_held_import_is_in_no_release_and_towards_no_threshold(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    """The threshold is 3."""
    held = (await send(client, history(1, 2, 3, 4), release=True)).json()

    assert (held["status"], held["accepted"], held["confirmed_by"]) == ("held", 4, None)
    assert await accumulator.releaser.release_at_threshold(TASK) is None
    assert await accumulator.releaser.releases.list(TASK, limit=9) == []
    assert await release(accumulator, "1") is None
    assert await accumulator.fetch(LABELS) == []

    confirmed = (await confirm(client, held["import_id"])).json()
    assert (confirmed["status"], confirmed["confirmed_by"]) == ("finished", "lena")
    assert confirmed["dataset_version"] == "adjudication-d1"
    assert len(await accumulator.fetch(LABELS)) == 4


async def test_whoever_brought_an_import_cannot_confirm_it(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    held = (await send(client, history(1))).json()

    own = await confirm(client, held["import_id"], headers=OPERATOR)
    machine = await confirm(client, held["import_id"], headers=MACHINE)

    assert (own.status_code, machine.status_code) == (403, 403)
    assert "a second person" in own.json()["detail"]
    assert await accumulator.fetch(LABELS) == []


@pytest.mark.parametrize("confirmed_by", ["olga", " Olga", "OLGA"])
async def test_the_database_itself_refuses_a_confirmation_of_ones_own_import(
    client: httpx.AsyncClient, accumulator: Accumulator, confirmed_by: str
) -> None:
    held = (await send(client, history(1))).json()

    for imported_by, violated in (
        ("olga", "confirmations_second_person"),
        ("somebody", "confirmations_import_id_imported_by_fkey"),
    ):
        with pytest.raises(Exception, match=violated):
            await accumulator.fetch(
                "INSERT INTO dataset_accumulator.confirmations VALUES ($1, $2, $3, true)",
                *(held["import_id"], imported_by, confirmed_by),
            )


async def test_the_database_itself_refuses_a_label_of_an_import_that_nobody_confirmed(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    await bring_in(client, history(1))
    held = (await send(client, history(2))).json()

    with pytest.raises(Exception, match="labels_of_confirmed_imports"):
        await accumulator.fetch(
            "UPDATE dataset_accumulator.labels SET import_id = $1", held["import_id"]
        )


async def test_confirmed_twice_and_at_once_it_comes_in_once(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    held = (await send(client, history(*range(600)))).json()

    answers = await asyncio.gather(*(confirm(client, held["import_id"]) for _ in range(3)))

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(await accumulator.fetch(LABELS)) == 600


async def test_of_two_held_imports_of_one_file_the_second_adds_nothing(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    first, second = [(await send(client, history(1, 2))).json() for _ in range(2)]
    await confirm(client, first["import_id"])

    report = (await confirm(client, second["import_id"])).json()

    assert (report["accepted"], report["duplicates"]) == (0, 2)
    assert len(await accumulator.fetch(LABELS)) == 2


async def test_an_imported_label_says_where_it_comes_from(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    content = history(1, 2)
    report = await bring_in(client, content, name="2025.csv")
    await accumulator.review("reviewed")

    released = await release(accumulator, "1")

    origin = ImportSource(
        import_id=report["import_id"],
        name="2025.csv",
        sha256=hashlib.sha256(content).hexdigest(),
        imported_by="olga",
        imported_at=report["started_at"],
        confirmed_by="lena",
    )
    assert {e.case_id: e.origin for e in accumulator.examples(released)}.pop("reviewed") is None
    assert [e.origin for e in accumulator.examples(released) if e.origin] == [origin, origin]
    assert accumulator.manifest(released).imports == (CountedSource(origin=origin, labels=2),)


async def test_a_recalled_import_is_in_no_later_version_and_the_earlier_ones_are_named(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    report = await bring_in(client, history(1, 2, final_decision="DENIED"))
    await accumulator.review("a", "b")
    first = await release(accumulator, "1")
    await accumulator.review("c")
    second = await release(accumulator, "2")

    answer = await recall(client, report["import_id"], reason="invented")
    third = await release(accumulator, "3")

    recalled = answer.json()
    assert (recalled["status"], recalled["recalled_by"]) == ("recalled", "lena")
    assert recalled["recall_reason"] == "invented"
    assert recalled["dataset_versions"] == ["adjudication-d1", "adjudication-d2"]
    assert [len(accumulator.examples(each)) for each in (first, second, third)] == [4, 5, 3]
    manifest = accumulator.manifest(third)
    assert manifest.counts["train"] == {"APPROVED": 3, "DENIED": 0, "PENDING": 0}
    assert (manifest.reasons, manifest.imports) == ({"low_confidence": 3}, ())
    assert third.new_labels == 0
    shown = (await client.get(f"/v1/imports/{report['import_id']}")).json()
    assert shown["dataset_versions"] == recalled["dataset_versions"]
    assert await release(accumulator, "4") is None


async def test_what_was_recalled_comes_in_again_by_a_new_import_only(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    """The recall was a mistake, or the file was mended: twice."""
    for turn, label in enumerate(["APPROVED", "DENIED", "APPROVED"]):
        report = await bring_in(client, history(1, final_decision=label))
        with_it = await release(accumulator, f"with-{turn}")
        await recall(client, report["import_id"], reason="not checked")
        early = (await send(client, history(1))).json()
        without = await release(accumulator, f"without-{turn}")

        assert [e.label for e in accumulator.examples(with_it)] == [label]
        assert accumulator.examples(without) == []
        assert "make a release first" in early["refused"][0]["why"]


async def test_a_held_import_can_be_recalled_and_a_recalled_one_is_not_confirmed(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    held = (await send(client, history(1, 2))).json()

    recalled = await recall(client, held["import_id"], reason="not ours")

    assert recalled.json()["status"] == "recalled"
    assert (await confirm(client, held["import_id"])).status_code == 409
    assert (await recall(client, held["import_id"], reason="again")).status_code == 409
    assert await accumulator.fetch("SELECT FROM dataset_accumulator.held_rows") == []


async def test_imported_cases_of_a_member_who_tests_are_withheld(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    """And whoever is new with an import is never drawn into what tests or certifies."""
    for split in ("test", "certification"):
        accumulator.handlers.shares = {**accumulator.handlers.shares, "train": 0.0, split: 1.0}
        await accumulator.handlers.reviews_completed([of_group(split, f"member:M-{split.upper()}")])
        accumulator.handlers.shares = {**accumulator.handlers.shares, split: 0.0}

    rows = [row(n, member_id=f"M-{name}") for n, name in enumerate(["test", "certification", "x"])]
    await bring_in(client, csv_file(rows))

    found = await accumulator.fetch(LABELS + " OFFSET 2")
    assert sorted((each["split"], each["withheld"] or "") for each in found) == [
        ("certification", "held_out"),
        ("test", "held_out"),
        ("train", ""),
    ]
    count = await client.get("/v1/labels/count", params={"task": TASK})
    assert count.json() == {"imported": 3, "reviewed": 2, "withheld": {"held_out": 2}}
    with pytest.raises(Exception, match="imports_never_certify"):
        await accumulator.fetch("UPDATE dataset_accumulator.labels SET withheld = NULL")


@pytest.mark.parametrize("lines", [2, 3, 12])
async def test_lines_of_one_claim_are_all_refused_as_lines(
    client: httpx.AsyncClient, accumulator: Accumulator, lines: int
) -> None:
    """One row a service line: none of them is the claim, the first as little as the others."""
    codes = [f"9711{number % 10}" for number in range(lines)]
    rows = [row(1, procedure_codes=code, claim_amount=f"{n}.50") for n, code in enumerate(codes, 1)]

    report = (await send(client, csv_file([*rows, row(2)]))).json()

    assert (report["accepted"], report["refused_rows"]) == (1, lines)
    assert [each["line"] for each in report["refused"]] == list(range(2, 2 + lines))
    assert {each["field"] for each in report["refused"]} == {"claim_id"}
    (why,) = {each["why"] for each in report["refused"]}
    assert why.startswith("lines 2, 3")
    assert "as one row with all its codes" in why


async def test_lines_far_apart_in_a_file_are_found(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    """In other steps of the reading than one another."""
    rows = [row(0), *(row(number) for number in range(1, 1200)), row(0, claim_amount="7.00")]

    report = await bring_in(client, csv_file(rows))

    assert [each["line"] for each in report["refused"]] == [2, 1202]
    assert len(await accumulator.fetch(LABELS)) == 1199


async def test_an_import_that_is_complete_does_not_fail_any_more(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    """The answer to its last statement may be lost, and who waits for it takes it for broken."""
    imports = accumulator.releaser.imports
    held = (await send(client, csv_file([row(1)]))).json()["import_id"]
    await imports.fail(held, "PostgreSQL is unavailable")

    report = (await confirm(client, held)).json()

    assert (report["status"], report["accepted"]) == ("finished", 1)
    await imports.fail(held, "PostgreSQL is unavailable")
    found = await imports.find(held)
    assert found is not None
    assert (found["status"], found["accepted"]) == ("finished", 1)


async def test_an_import_that_was_given_up_is_not_completed(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    held = (await send(client, csv_file([row(1)]))).json()["import_id"]
    await accumulator.fetch("UPDATE dataset_accumulator.imports SET status = 'running'")
    await accumulator.releaser.imports.fail(held, "the upload broke off")

    with pytest.raises(Conflict, match="send the file again"):
        await accumulator.importer.admission.complete(held, sha256="0" * 64)
