"""One content counts once and lies on one side, however many ids it comes under."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dataset_accumulator.handlers import Handlers
from services.dataset_accumulator.splits import read_shares
from shared.tasks import TASKS
from tests.connected.dataset_accumulator.harness import Accumulator, of_group
from tests.connected.dataset_accumulator.import_harness import bring_in, recall
from tests.support.builders.events import case
from tests.support.builders.histories import TODAY, csv_file, row

TASK = "adjudication"
NOTE = "Leg pain, no relief from exercises."
COUNTING = "SELECT source, label FROM dataset_accumulator.labels WHERE withheld IS NULL"


async def examples(accumulator: Accumulator, key: str) -> list[Any]:
    released = await accumulator.releaser.release_by_hand(TASK, trigger=f"manual:test:{key}")
    return accumulator.examples(released) if released else []


@pytest.mark.parametrize("member", ["", "M-{}"])
async def test_one_claim_under_many_ids_is_one_label(
    client: httpx.AsyncClient, accumulator: Accumulator, member: str
) -> None:
    """The threshold is 3: a thousand copies come nowhere near it."""
    rows = [row(n, member_id=member.format(n), clinical_note=NOTE) for n in range(1000)]

    report = await bring_in(client, csv_file(rows), splits="train=0.5,validation=0.5")

    assert report["accepted"] == 1000
    assert await accumulator.releaser.release_at_threshold(TASK) is None
    count = await client.get("/v1/labels/count", params={"task": TASK})
    assert count.json() == {"imported": 1000, "reviewed": 0, "withheld": {"repeated": 999}}
    assert len(await examples(accumulator, "1")) == 1


async def test_a_reviewers_label_stands_above_an_imported_one(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    """Also when a version has the imported one already."""
    await bring_in(client, csv_file([row(1, clinical_note=NOTE, final_decision="DENIED")]))
    first = await examples(accumulator, "1")
    claim = {"label": "APPROVED", "case": of_import(row(2, clinical_note=NOTE))}
    await accumulator.review("reviewed", **claim)

    second = await examples(accumulator, "2")

    assert [(e.source, e.label) for e in first] == [("import", "DENIED")]
    assert [(e.source, e.label) for e in second] == [("review", "APPROVED")]


async def test_a_recalled_copy_gives_its_place_to_the_next(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    """Nobody keeps a label out by importing its content first."""
    bad = await bring_in(client, csv_file([row(1, clinical_note=NOTE, final_decision="DENIED")]))
    await bring_in(client, csv_file([row(2, clinical_note=NOTE)]))
    assert [e.label for e in await examples(accumulator, "1")] == ["DENIED"]

    await recall(client, bad["import_id"], reason="invented")

    assert [e.label for e in await examples(accumulator, "2")] == ["APPROVED"]


async def test_copies_that_arrive_at_the_same_moment(
    accumulator: Accumulator, second: Accumulator
) -> None:
    copies = [of_group(f"case-{n}", f"member-{n}", note=NOTE) for n in range(60)]

    async def take_in(process: Accumulator, reviews: list[Any]) -> None:
        for review in reviews:
            await process.handlers.reviews_completed([review])

    await asyncio.gather(take_in(accumulator, copies[::2]), take_in(second, copies[1::2]))

    assert len(await accumulator.fetch(COUNTING)) == 1
    with pytest.raises(Exception, match="labels_content_counts_once"):
        await accumulator.fetch("UPDATE dataset_accumulator.labels SET withheld = NULL")


Arrivals = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 4),
        st.sampled_from(["train=1", "test=1", "train=0.5,test=0.5"]),
    ),
    min_size=1,
    max_size=12,
)


@given(arrivals=Arrivals)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_nobodys_cases_and_no_content_lie_on_both_sides(
    accumulator: Accumulator, arrivals: list[tuple[int, int, str]]
) -> None:
    (before,) = await accumulator.fetch("SELECT count(*) FROM dataset_accumulator.labels")
    for place, (member, content, shares) in enumerate(arrivals):
        handlers = Handlers(accumulator.store, shares=read_shares(shares))
        name = f"case-{before['count'] + place}"
        review = of_group(name, f"member-{member}", note=f"Note {content}.")
        await handlers.reviews_completed([review])

    for column in ("group_id", "text_sha256"):
        sides = await accumulator.fetch(
            f"SELECT count(DISTINCT split) AS sides, count(*) AS labels "
            f"FROM dataset_accumulator.labels WHERE withheld IS NULL GROUP BY {column}"
        )
        assert {row["sides"] for row in sides} <= {1}
    assert {row["labels"] for row in sides} <= {1}


async def test_the_database_itself_refuses_a_content_on_two_sides(
    accumulator: Accumulator,
) -> None:
    await accumulator.review("a", split="train")
    await accumulator.review("b", split="test")
    await accumulator.fetch(
        "UPDATE dataset_accumulator.labels SET withheld = 'repeated' WHERE case_id = 'b'"
    )

    with pytest.raises(Exception, match="labels_content_on_one_side"):
        await accumulator.fetch(
            "UPDATE dataset_accumulator.labels AS labels SET text_sha256 = other.text_sha256 "
            "FROM dataset_accumulator.labels AS other "
            "WHERE labels.case_id = 'a' AND other.case_id = 'b'"
        )


def of_import(claim: dict[str, str]) -> Any:
    """The case that a row of a file would be, had it been submitted."""
    task = TASKS[TASK]
    content = task.complete(task.history.case_of(claim, today=TODAY, decimal=None).input)
    return case("reviewed", input=content.model_dump(mode="json"))
