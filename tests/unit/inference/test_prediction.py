"""A case is answered for what it is, whichever cases it shares a batch with."""

import asyncio
from pathlib import Path

import pytest

from shared.events import Case, PredictionMade, RolloutChanged
from tests.support.builders.events import rollout
from tests.support.patience import PATIENCE_SECONDS
from tests.unit.inference.processes import (
    SPEECHLESS,
    UNLUCKY,
    UNLUCKY_FOR_V1,
    UNREADABLE,
    UNREADABLE_FOR_V1,
    V0,
    V1,
    new_serving,
    noted,
    on_disk,
    running,
)


@pytest.fixture
def canary(tmp_path: Path) -> RolloutChanged:
    champion, candidate = on_disk(tmp_path, V0), on_disk(tmp_path, V1)
    return rollout(champion=champion, candidate=candidate, stage="canary", share=0.25)


async def predictions(
    disk: Path, wanted: RolloutChanged, cases: list[Case]
) -> list[PredictionMade | BaseException]:
    """What each case's own caller gets, all of them asking at once."""
    serving = new_serving(disk)
    await serving.want(wanted)
    async with running(serving) as batcher, asyncio.timeout(PATIENCE_SECONDS):
        while serving.active[wanted.task] is not wanted:
            await asyncio.sleep(0.01)
        asked = [batcher.predict([case], explain=[False]) for case in cases]
        results = await asyncio.gather(*asked, return_exceptions=True)
    return [each if isinstance(each, BaseException) else each[0] for each in results]


async def test_a_case_that_the_champion_cannot_read_goes_unanswered_and_its_neighbors_answered(
    tmp_path: Path, champion_only: RolloutChanged
) -> None:
    notes = ["pain", "stiff", UNREADABLE, "numb", "weak"]
    results = await predictions(tmp_path, champion_only, [noted(n, i) for i, n in enumerate(notes)])

    answered = [p.answering_version for p in results if isinstance(p, PredictionMade)]
    assert answered == [V0, V0, None, V0, V0]
    unread = results[2]
    assert isinstance(unread, PredictionMade)
    assert (unread.scores, unread.arm, unread.failed_versions) == ((), None, (V0,))
    assert unread.rollout_id == champion_only.rollout_id


async def test_a_fresh_champion_fails_alone_only_where_the_last_good_version_can_score(
    tmp_path: Path,
) -> None:
    """What no version can read is the case's own fault, and the promoter counts it against none."""
    fresh = rollout(
        champion=on_disk(tmp_path, V1), last_good=on_disk(tmp_path, V0), stage="full", share=0.0
    )
    notes = ["pain", UNREADABLE, UNREADABLE_FOR_V1]
    serving = new_serving(tmp_path)
    await serving.want(fresh)
    async with running(serving) as batcher, asyncio.timeout(PATIENCE_SECONDS):
        while not {V0, V1} <= set(serving.pool.versions):
            await asyncio.sleep(0.01)
        found = await batcher.predict(
            [noted(note, number) for number, note in enumerate(notes)], explain=[False] * 3
        )
    told = [
        (p.answering_version, p.failed_versions) for p in found if isinstance(p, PredictionMade)
    ]
    assert told == [(V1, ()), (None, (V1, V0)), (None, (V1,))]


async def test_only_the_case_at_fault_gets_the_error(
    tmp_path: Path, champion_only: RolloutChanged
) -> None:
    notes = ["pain", UNLUCKY, "stiff", "numb"]
    results = await predictions(tmp_path, champion_only, [noted(n, i) for i, n in enumerate(notes)])

    assert [type(each) for each in results] == [
        PredictionMade,
        RuntimeError,
        PredictionMade,
        PredictionMade,
    ]


async def test_a_candidate_fails_on_the_case_at_fault_and_on_no_other(
    tmp_path: Path, canary: RolloutChanged
) -> None:
    notes = ["pain", UNLUCKY_FOR_V1, "stiff", "numb"]
    results = await predictions(tmp_path, canary, [noted(n, i) for i, n in enumerate(notes)])

    failed = [p.failed_versions for p in results if isinstance(p, PredictionMade)]
    assert failed == [(), (V1,), (), ()]


async def test_the_probability_is_that_of_the_arm_which_answers(
    tmp_path: Path, canary: RolloutChanged
) -> None:
    numbers = range(8)
    well = await predictions(tmp_path, canary, [noted("pain", n) for n in numbers])
    ill = await predictions(tmp_path, canary, [noted(UNLUCKY_FOR_V1, n) for n in numbers])

    told = set()
    for before, after in zip(well, ill, strict=True):
        assert isinstance(before, PredictionMade)
        assert isinstance(after, PredictionMade)
        told.add((before.arm, before.arm_probability, after.arm, after.arm_probability))
        assert (after.answering_version, after.failed_versions) == (V0, (V1,))
    assert told == {("champion", 0.75, "champion", 0.75), ("candidate", 0.25, "champion", 1.0)}


async def test_a_draft_that_fails_costs_its_case_the_draft_alone(
    tmp_path: Path, champion_only: RolloutChanged
) -> None:
    serving = new_serving(tmp_path)
    await serving.want(champion_only)
    async with running(serving) as batcher, asyncio.timeout(PATIENCE_SECONDS):
        cases = [noted("pain", 0), noted(SPEECHLESS, 1)]
        spoken, speechless = await batcher.predict(cases, explain=[True, True])

    assert spoken.reasoning
    assert (speechless.answering_version, speechless.reasoning) == (V0, None)
