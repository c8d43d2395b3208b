"""What is in memory answers, whatever else is away."""

import asyncio
from pathlib import Path

import pytest

from services.inference import serving as module
from services.inference.serving import effective_rollout
from shared.events import RolloutChanged
from shared.storage.artifacts import MissingArtifact
from tests.support.builders.events import rollout, served
from tests.support.patience import PATIENCE_SECONDS
from tests.unit.inference.processes import V0, V1, away, new_serving, noted, on_disk, running

V2 = "adjudication-v1.2"


async def test_neither_candidate_nor_last_good_nor_another_task_holds_up_a_champion(
    tmp_path: Path,
) -> None:
    champion = on_disk(tmp_path, V0)
    other = rollout(task="independent_review", champion=away("independent_review-v1.0"))
    waiting = rollout(champion=champion, candidate=away(V1), last_good=away("adjudication-v0.9"))
    serving = new_serving(tmp_path)
    await serving.want(other)
    await serving.want(waiting)
    run = asyncio.create_task(serving.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "adjudication" not in serving.active or "models" not in serving.health.alerts:
            await asyncio.sleep(0.01)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

    assert serving.active["adjudication"].champion == champion
    assert "object storage" in serving.health.alerts["models"]
    assert "independent_review" not in serving.active


async def test_a_candidate_that_is_away_takes_no_part_and_has_not_failed(tmp_path: Path) -> None:
    champion = on_disk(tmp_path, V0)
    serving = new_serving(tmp_path)
    await serving.want(rollout(champion=champion, candidate=away(V1), stage="canary", share=1.0))
    async with running(serving) as batcher, asyncio.timeout(PATIENCE_SECONDS):
        while "models" not in serving.health.alerts:
            await asyncio.sleep(0.01)
        alone = (await batcher.predict([noted("pain")], explain=[False]))[0]
        on_disk(tmp_path, V1)  # storage is back
        while V1 not in serving.pool.versions or "models" in serving.health.alerts:
            await asyncio.sleep(0.01)
        both = (await batcher.predict([noted("pain")], explain=[False]))[0]

    assert (alone.answering_version, alone.arm_probability, alone.failed_versions) == (V0, 1.0, ())
    assert (both.answering_version, both.arm_probability, both.failed_versions) == (V1, 1.0, ())


async def test_a_rollback_to_a_version_in_memory_waits_for_no_download(tmp_path: Path) -> None:
    old, new = on_disk(tmp_path, V0), on_disk(tmp_path, V1)
    serving = new_serving(tmp_path)
    await serving.want(rollout(champion=new, last_good=old))
    async with running(serving), asyncio.timeout(PATIENCE_SECONDS):
        while V0 not in serving.pool.versions:
            await asyncio.sleep(0.01)
        await serving.want(rollout(champion=old, candidate=away("adjudication-v1.2"), revision=2))
        assert serving.active["adjudication"].champion == old


async def test_a_model_that_is_missing_is_used_once_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to start the process again."""

    def missing(reference: object) -> bytes:
        raise MissingArtifact("it is missing from object storage")

    serving = new_serving(tmp_path)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(serving.pool.cache.artifacts, "get", missing)
    await serving.want(rollout(champion=away(V0)))
    async with running(serving) as batcher, asyncio.timeout(PATIENCE_SECONDS):
        before = (await batcher.predict([noted("pain")], explain=[False]))[0]
        alerts = dict(serving.health.alerts)
        aside = tmp_path / "aside"
        aside.mkdir()
        sha256 = on_disk(aside, V0).model.manifest.sha256
        (aside / sha256).rename(tmp_path / sha256)
        while serving.health.alerts:
            await asyncio.sleep(0.01)
        after = (await batcher.predict([noted("pain")], explain=[False]))[0]

    assert "missing" in alerts[f"model {V0}"]
    assert (before.answering_version, before.failed_versions) == (None, (V0,))
    assert (after.answering_version, after.failed_versions) == (V0, ())


async def test_from_a_first_version_to_no_champion_nobody_answers(tmp_path: Path) -> None:
    champion = on_disk(tmp_path, V0)
    serving = new_serving(tmp_path)
    await serving.want(rollout(champion=champion, stage="full"))
    async with running(serving) as batcher, asyncio.timeout(PATIENCE_SECONDS):
        await serving.settled()
        before = (await batcher.predict([noted("pain")], explain=[False]))[0]
        await serving.want(rollout(champion=None, revision=2))
        after = (await batcher.predict([noted("pain")], explain=[False]))[0]
        while serving.pool.versions:  # nobody names it any more
            await asyncio.sleep(0.01)

    assert (before.answering_version, before.rollout_revision) == (V0, 1)
    assert (after.answering_version, after.scores, after.failed_versions) == (None, (), ())
    assert after.rollout_id is None
    assert serving.revisions() == {"adjudication": 2}


async def test_a_refused_candidate_is_named_as_failed(tmp_path: Path) -> None:
    champion, candidate = on_disk(tmp_path, V0), away(V1)
    (tmp_path / candidate.model.manifest.sha256).mkdir()  # no model in it
    serving = new_serving(tmp_path)
    await serving.want(rollout(champion=champion, candidate=candidate, stage="shadow"))
    async with running(serving) as batcher, asyncio.timeout(PATIENCE_SECONDS):
        while serving.active["adjudication"].candidate is None:
            await asyncio.sleep(0.01)
        prediction = (await batcher.predict([noted("pain")], explain=[False]))[0]

        alerts = dict(serving.health.alerts)
        await serving.want(rollout(champion=champion, revision=2))  # it is rolled back
        while serving.health.alerts:
            await asyncio.sleep(0.01)

    assert (prediction.answering_version, prediction.failed_versions) == (V0, (V1,))
    assert f"model {V1}" in alerts


OLD = rollout(champion=served(V0))
NEW = rollout(champion=served(V1), candidate=served(V2), revision=2)
NEW_ALONE = NEW.model_copy(update={"candidate": None})


@pytest.mark.parametrize(
    ("known", "loaded", "refused", "answers"),
    [
        (OLD, {V0}, set(), OLD),
        (OLD, {V0}, {V1}, OLD),
        (OLD, {V0, V1}, set(), NEW_ALONE),
        (OLD, {V0, V1, V2}, set(), NEW),
        (OLD, {V0, V1}, {V2}, NEW),
        (NEW_ALONE, {V1, V2}, set(), NEW),
        (None, set(), set(), None),
        (None, set(), {V1}, NEW_ALONE),
        (NEW_ALONE, {V2}, {V1}, NEW),
    ],
)
def test_under_which_rollout_cases_are_answered(
    known: RolloutChanged | None,
    loaded: set[str],
    refused: set[str],
    answers: RolloutChanged | None,
) -> None:
    assert effective_rollout(NEW, known, loaded=loaded, refused=refused) == answers


def test_a_stop_waits_for_no_model() -> None:
    stopped = NEW.model_copy(update={"stopped": True})

    answers = effective_rollout(stopped, OLD, loaded={V0}, refused=set())

    assert answers == stopped.model_copy(update={"candidate": None})
