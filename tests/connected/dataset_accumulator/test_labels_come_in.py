"""Labels come in once; corrections find them, whichever comes first; groups keep their side."""

import asyncio
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dataset_accumulator.handlers import Handlers
from services.dataset_accumulator.splits import read_shares
from shared.errors import Conflict, Rejected
from shared.events import DecisionCorrected
from tests.connected.dataset_accumulator.harness import Accumulator, of_group
from tests.support.builders.reviews import completed, corrected

LABELS = "SELECT case_id, revision, label, reasoning FROM dataset_accumulator.labels ORDER BY 1"


async def test_a_review_that_comes_twice_is_one_label(accumulator: Accumulator) -> None:
    await accumulator.handlers.reviews_completed([completed("a"), completed("b"), completed("a")])
    await accumulator.handlers.reviews_completed([completed("b"), completed("c")])

    assert [row["case_id"] for row in await accumulator.fetch(LABELS)] == ["a", "b", "c"]


async def test_other_content_is_refused_and_the_first_label_stays(accumulator: Accumulator) -> None:
    await accumulator.handlers.reviews_completed([completed("a")])

    with pytest.raises(Conflict, match="the case has a label with other content"):
        await accumulator.handlers.reviews_completed(
            [completed("b"), completed("a", label="DENIED")]
        )

    assert [row["label"] for row in await accumulator.fetch(LABELS)] == ["APPROVED"]


async def test_two_processes_take_in_the_same_reviews(
    accumulator: Accumulator, second: Accumulator
) -> None:
    """As after a rebalance, when two consumers have the same records for a while."""
    reviews = [completed(f"case-{number}") for number in range(100)]

    await asyncio.gather(
        accumulator.handlers.reviews_completed(reviews),
        second.handlers.reviews_completed(list(reversed(reviews))),
    )

    assert len(await accumulator.fetch(LABELS)) == 100


@pytest.mark.parametrize("order", list(permutations(["review", 1, 2])))
async def test_the_newest_correction_counts_in_whatever_order_things_come(
    accumulator: Accumulator, order: tuple[str | int, ...]
) -> None:
    for step in order:
        if isinstance(step, int):
            label = "DENIED" if step == 1 else "PENDING"
            await accumulator.handlers.decisions_corrected([corrected(revision=step, label=label)])
        else:
            await accumulator.handlers.reviews_completed([completed()])

    assert await accumulator.fetch(LABELS) == [
        {
            "case_id": "case-1",
            "revision": 2,
            "label": "PENDING",
            "reasoning": "Corrected for the 2. time.",
        }
    ]


async def test_corrections_and_labels_that_arrive_at_the_same_moment(
    accumulator: Accumulator, second: Accumulator
) -> None:
    """The two topics are consumed side by side: neither may miss the other's uncommitted row."""
    names = [f"case-{number}" for number in range(60)]

    async def corrections() -> None:
        for name in names:
            await second.handlers.decisions_corrected([corrected(name)])

    async def reviews() -> None:
        for name in names:
            await accumulator.handlers.reviews_completed([completed(name)])

    await asyncio.gather(corrections(), reviews())

    assert {(row["revision"], row["label"]) for row in await accumulator.fetch(LABELS)} == {
        (1, "DENIED")
    }


async def test_a_correction_counts_once_all_before_it_have_come(accumulator: Accumulator) -> None:
    take = accumulator.handlers.decisions_corrected
    await accumulator.review("case-1")
    seen = []
    for correction in (
        corrected(revision=1_000, label="PENDING"),
        corrected(revision=2, label="PENDING"),
        corrected(revision=1),
    ):
        await take([correction])
        seen += [row["revision"] for row in await accumulator.fetch(LABELS)]

    assert seen == [0, 0, 2]


async def test_a_revision_is_one_correction(accumulator: Accumulator) -> None:
    take = accumulator.handlers.decisions_corrected
    await take([corrected(), corrected()])
    for changes in ({"label": "PENDING"}, {"corrected_by": "mallory"}, {"approved_amount": 1.0}):
        with pytest.raises(Conflict, match="another correction"):
            await take([corrected(**changes)])
    await accumulator.review("case-1", "case-2")
    with pytest.raises(Conflict, match="not the task"):
        await take([corrected("case-2", label="DENIED", task="independent_review")])
    await take([corrected("case-2")])  # nothing of the refused one is in its place

    rows = await accumulator.fetch(LABELS)
    assert {(row["revision"], row["label"]) for row in rows} == {(1, "DENIED")}


async def test_a_correction_of_a_case_without_label_makes_no_label(
    accumulator: Accumulator,
) -> None:
    await accumulator.handlers.decisions_corrected([corrected("decided-by-a-model")])

    assert await accumulator.fetch(LABELS) == []


async def test_a_correction_to_a_label_that_the_task_lacks_is_refused(
    accumulator: Accumulator,
) -> None:
    wrong: DecisionCorrected = corrected(label="MAYBE")

    with pytest.raises(Rejected, match="is no label of adjudication"):
        await accumulator.handlers.decisions_corrected([wrong])


Members = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["train=1", "test=1", "train=0.5,test=0.5"])),
    min_size=1,
    max_size=12,
)


@given(arrivals=Members)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_nobodys_cases_lie_on_both_sides(
    accumulator: Accumulator, arrivals: list[tuple[int, str]]
) -> None:
    """Whatever the shares are when later cases of a member come in."""
    (before,) = await accumulator.fetch("SELECT count(*) FROM dataset_accumulator.labels")
    for place, (member, shares) in enumerate(arrivals):
        handlers = Handlers(accumulator.store, shares=read_shares(shares))
        case_id = f"case-{before['count'] + place}"
        await handlers.reviews_completed([of_group(case_id, f"member-{member}")])

    sides = await accumulator.fetch(
        "SELECT group_id, count(DISTINCT split) AS sides FROM dataset_accumulator.labels GROUP BY 1"
    )

    assert {row["sides"] for row in sides} == {1}


async def test_the_database_itself_refuses_a_label_outside_its_groups_split(
    accumulator: Accumulator,
) -> None:
    await accumulator.review("a", split="train")

    with pytest.raises(Exception, match="labels_task_group_id_split_fkey"):
        await accumulator.fetch("UPDATE dataset_accumulator.labels SET split = 'test'")
