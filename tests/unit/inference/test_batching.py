"""Who waits in front of the models, who goes first, and what no longer holds once it is said."""

import asyncio
from pathlib import Path
from threading import Semaphore

import pytest

from services.inference.prediction import PromptedCase
from shared.errors import Transient
from shared.events import RolloutChanged
from tests.support.builders.events import rollout
from tests.support.patience import PATIENCE_SECONDS
from tests.unit.inference.processes import (
    V0,
    V1,
    Explaining,
    new_batcher,
    new_serving,
    noted,
    on_disk,
    running,
)


async def test_whoever_asks_by_http_goes_first(tmp_path: Path) -> None:
    """Nothing is served yet: each case is answered at once, without a score."""
    batcher = new_batcher(new_serving(tmp_path), batch_seconds=1e-9)
    answered: list[str] = []

    async def ask(name: str, *, urgent: bool) -> None:
        case = noted("pain").model_copy(update={"case_id": name})
        (prediction,) = await batcher.predict([case], explain=[False], urgent=urgent)
        answered.append(prediction.case.case_id)

    async with asyncio.TaskGroup() as asking:
        asking.create_task(ask("kafka-1", urgent=False))
        asking.create_task(ask("kafka-2", urgent=False))
        asking.create_task(ask("http-1", urgent=True))
        asking.create_task(ask("http-2", urgent=True))
        await asyncio.sleep(0)
        line = asyncio.create_task(batcher.run())
    line.cancel()

    assert answered == ["http-1", "http-2", "kafka-1", "kafka-2"]


async def test_a_batch_holds_as_much_as_is_scored_in_its_seconds(tmp_path: Path) -> None:
    batcher = new_batcher(new_serving(tmp_path), batch_seconds=2.5)
    cases = [noted("pain", number) for number in range(5)]
    length = PromptedCase.of(cases[0], explain=False).length
    batcher.predictor.throughput.characters_per_second = length
    waiting = asyncio.create_task(batcher.predict(cases, explain=[False] * 5))
    await asyncio.sleep(0)
    sizes = [len(batcher._next_batch()) for _ in range(4)]
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert sizes == [2, 2, 1, 0]


async def test_when_too_many_wait_only_whoever_asks_by_http_is_sent_away(tmp_path: Path) -> None:
    batcher = new_batcher(new_serving(tmp_path), waiting_cases=1)
    waiting = [
        asyncio.create_task(batcher.predict([noted("pain")], explain=[False], urgent=urgent))
        for urgent in (True, False, False)
    ]
    await asyncio.sleep(0)
    with pytest.raises(Transient, match="1 cases are waiting"):
        await batcher.predict([noted("stiff")], explain=[False], urgent=True)
    line = asyncio.create_task(batcher.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        predictions = await asyncio.gather(*waiting)
    line.cancel()

    assert [len(each) for each in predictions] == [1, 1, 1]


async def test_who_has_gone_is_not_predicted(tmp_path: Path) -> None:
    batcher = new_batcher(new_serving(tmp_path))
    gone = asyncio.create_task(batcher.predict([noted("pain", 1)], explain=[False]))
    there = asyncio.create_task(batcher.predict([noted("pain", 2)], explain=[False]))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    assert [each.prompted.case.case_id for each in batcher._next_batch()] == ["case-2"]
    there.cancel()
    await asyncio.gather(there, return_exceptions=True)


async def test_explanations_come_one_a_batch_and_nobody_else_waits_for_them(
    tmp_path: Path, champion_only: RolloutChanged
) -> None:
    explaining = Explaining(Semaphore(0))
    serving = new_serving(tmp_path, explaining=explaining)
    await serving.want(champion_only)
    async with running(serving) as batcher, asyncio.timeout(PATIENCE_SECONDS):
        wordy = asyncio.create_task(
            batcher.predict([noted("pain", n) for n in range(3)], explain=[True] * 3)
        )
        await batcher.predict([noted("stiff", 3)], explain=[False])
        next_one = asyncio.create_task(batcher.predict([noted("numb", 4)], explain=[False]))
        await asyncio.sleep(0)
        explaining.allowed.release()
        await next_one
        assert not wordy.done()
        explaining.allowed.release(2)
        assert all(prediction.reasoning for prediction in await wordy)


async def test_what_was_said_before_a_rollback_is_said_again_and_does_not_leave(
    tmp_path: Path,
) -> None:
    """Of a large batch the first cases are scored seconds before the last."""
    old, new = on_disk(tmp_path, V0), on_disk(tmp_path, V1)
    explaining = Explaining(Semaphore(0))
    serving = new_serving(tmp_path, explaining=explaining)
    before = rollout(champion=new, last_good=old)
    await serving.want(before)
    async with running(serving) as batcher, asyncio.timeout(PATIENCE_SECONDS):
        while not {V0, V1} <= set(serving.pool.versions):
            await asyncio.sleep(0.01)
        cases = [noted("pain", n) for n in range(3)]
        asked = asyncio.create_task(batcher.predict(cases, explain=[False, True, True]))
        # Then the first is scored; the second waits for its words.
        assert await asyncio.to_thread(explaining.asked.wait, PATIENCE_SECONDS)
        await serving.want(rollout(champion=old, revision=before.revision + 1))
        explaining.allowed.release(10)
        predictions = await asked

    assert [each.case.case_id for each in predictions] == [case.case_id for case in cases]
    assert [each.answering_version for each in predictions] == [V0, V0, V0]
