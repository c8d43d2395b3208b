"""Candidates are compared with the champion of the moment, each pair once, whatever breaks."""

import asyncio
import json
import os

import pytest

from shared.errors import Rejected, Transient
from shared.runs.leases import LostLease
from shared.storage.artifacts import split_uri
from tests.connected.evaluator.harness import SIZES, V0, V1, V2, Evaluator, release, told
from tests.support.builders.evaluations import evaluation
from tests.support.builders.events import trained
from tests.support.children import children_that_run
from tests.support.patience import PATIENCE_SECONDS


async def test_a_first_version_is_judged_by_itself(evaluator: Evaluator) -> None:
    await evaluator.take(evaluator.train(V0))
    assert await evaluator.turn()
    (found,) = await evaluator.events()
    assert (found.verdict, found.champion, found.champion_measures) == ("PASS", None, None)
    assert found.candidate_measures is not None
    assert found.candidate_measures.cases == SIZES["test"]
    assert found.candidate_measures.accuracy > 0.85
    assert 0.3 < found.threshold <= 1.0
    assert found.candidate_measures.auto_accept_rate > 0.1
    assert found.baseline_measures is not None
    assert abs(found.baseline_measures.accuracy - found.candidate_measures.accuracy) < 0.1
    report = json.loads(evaluator.artifacts.get(found.report_json))
    assert report["judgment"]["verdict"] == "PASS"
    assert split_uri(found.report_html.uri)[0] == "reports"
    assert b"<html" in evaluator.artifacts.get(found.report_html)


async def test_a_candidate_is_compared_with_the_champion_that_serves(evaluator: Evaluator) -> None:
    dataset = release(evaluator.artifacts)
    weak = evaluator.train(V0, weak=True, dataset=dataset)
    evaluator.rollouts.serve(weak, threshold=0.97)
    await evaluator.take(weak, evaluator.train(V1, dataset=dataset))
    await evaluator.turn()
    found = (await evaluator.events())[-1]
    assert (found.verdict, found.champion) == ("PASS", V0)
    assert found.champion_measures is not None
    assert found.candidate_measures is not None
    assert found.champion_measures.accuracy < found.candidate_measures.accuracy
    report = json.loads(evaluator.artifacts.get(found.report_json))
    assert [a["threshold"] for a in report["assessments"]][1] == 0.97
    assert any("against adjudication-v1.0" in reason for reason in found.reasons)


async def test_a_champion_is_asked_only_what_it_was_not_asked_before(evaluator: Evaluator) -> None:
    dataset = release(evaluator.artifacts)
    first = evaluator.train(V0, dataset=dataset)
    await evaluator.take(first)
    await evaluator.turn()
    cache = evaluator.worker.settings.model_cache
    (answered,) = (cache / "answered").glob(f"{first.manifest.sha256}*")
    before = answered.read_bytes()
    evaluator.rollouts.serve(first)
    await evaluator.take(evaluator.train(V1, dataset=dataset))
    await evaluator.turn()
    alone, compared = await evaluator.events()
    assert compared.champion_measures is not None
    assert alone.candidate_measures is not None
    assert compared.champion_measures.accuracy == alone.candidate_measures.accuracy
    assert answered.read_bytes() == before


async def test_a_worse_candidate_fails(evaluator: Evaluator) -> None:
    dataset = release(evaluator.artifacts)
    strong = evaluator.train(V0, dataset=dataset)
    await evaluator.take(strong, evaluator.train(V1, weak=True, dataset=dataset))
    evaluator.rollouts.serve(strong)
    await evaluator.turn()
    (found,) = await evaluator.events()
    assert (found.model.version, found.verdict) == (V1, "FAIL")


async def test_too_few_held_out_cases_are_inconclusive(evaluator: Evaluator) -> None:
    few = release(evaluator.artifacts, held_out=60)
    await evaluator.take(evaluator.train(V0, dataset=few))
    await evaluator.turn()
    (found,) = await evaluator.events()
    assert found.verdict == "INCONCLUSIVE"
    assert "at least 100 are needed" in found.reasons[1]


async def test_a_model_trained_twice_over_is_evaluated_once(evaluator: Evaluator) -> None:
    await evaluator.take(trained(V0), trained(V0))
    assert await evaluator.conclude()
    await evaluator.take(trained(V0))
    assert not await evaluator.conclude()
    assert len(await evaluator.events()) == 1


async def test_a_model_that_is_not_stored_takes_no_versions_place(evaluator: Evaluator) -> None:
    """Whoever tells of one before the trainer does; the model of another version is none."""
    genuine = evaluator.train(V0)
    unlike = genuine.manifest.model_copy(update={"sha256": "0" * 64})
    for invented in (
        trained(V0),
        trained(V0, manifest=unlike),
        trained(V1, manifest=genuine.manifest),
    ):
        with pytest.raises(Rejected, match=r"^model\.manifest"):
            await evaluator.handlers.models_trained([told(invented)])
    await evaluator.handlers.models_trained([told(genuine)])
    await evaluator.worker.queue_comparisons()

    assert await evaluator.runs() == [(V0, None, "queued")]


async def test_a_new_champion_brings_new_comparisons_for_newer_candidates_only(
    evaluator: Evaluator,
) -> None:
    models = [trained(version) for version in (V0, V1, V2)]
    await evaluator.take(*models)
    await evaluator.worker.queue_comparisons()
    assert await evaluator.runs() == [(v, None, "queued") for v in (V0, V1, V2)]
    evaluator.rollouts.serve(models[1])
    await evaluator.worker.queue_comparisons()
    superseded = [(v, None, "superseded") for v in (V0, V1, V2)]
    assert await evaluator.runs() == [*superseded, (V2, V1, "queued")]
    evaluator.rollouts.serve(models[0])  # rolled back
    await evaluator.worker.queue_comparisons()
    assert (await evaluator.runs())[3:] == [
        (V2, V1, "superseded"),
        (V1, V0, "queued"),
        (V2, V0, "queued"),
    ]
    evaluator.rollouts.serve(models[1])  # and forth
    await evaluator.worker.queue_comparisons()
    assert (V2, V1, "queued") in await evaluator.runs()


async def test_where_no_champion_is_left_a_candidate_is_judged_by_itself(
    evaluator: Evaluator,
) -> None:
    """The first version was rolled back."""
    first, second = trained(V0), trained(V1)
    await evaluator.take(first)
    await evaluator.conclude()
    evaluator.rollouts.serve(first)
    await evaluator.take(second)
    await evaluator.conclude()
    evaluator.rollouts.serve(None)
    await evaluator.worker.queue_comparisons()

    compared = [(V0, None, "succeeded"), (V1, V0, "succeeded")]
    assert await evaluator.runs() == [*compared, (V1, None, "queued")]


async def test_a_candidate_judged_against_the_old_champion_is_judged_again(
    evaluator: Evaluator,
) -> None:
    models = [trained(version) for version in (V0, V1, V2)]
    evaluator.rollouts.serve(models[0])
    await evaluator.take(*models)
    assert [await evaluator.conclude() for _ in range(3)] == [True, True, False]
    evaluator.rollouts.serve(models[1])
    assert [await evaluator.conclude() for _ in range(2)] == [True, False]
    pairs = [(e.model.version, e.champion) for e in await evaluator.events()]
    assert pairs == [(V1, V0), (V2, V0), (V2, V1)]


async def test_two_processes_share_the_runs(evaluator: Evaluator, second: Evaluator) -> None:
    found = [f"adjudication-v1.{number}" for number in range(20)]
    await evaluator.take(*(trained(version) for version in found))
    both = (evaluator, second)
    assert all(await asyncio.gather(*(e.conclude() for e in both for _ in range(10))))
    assert sorted(e.model.version for e in await evaluator.events()) == sorted(found)


async def test_a_killed_job_starts_over(evaluator: Evaluator) -> None:
    await evaluator.take(evaluator.train(V0))
    turn = asyncio.create_task(evaluator.turn())
    await killed_child()
    await turn
    assert await evaluator.runs() == [(V0, None, "queued")]
    assert await evaluator.turn()
    assert await evaluator.runs() == [(V0, None, "succeeded")]
    assert len(await evaluator.events()) == 1


async def killed_child() -> None:
    """Kill the job once it runs."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (jobs := children_that_run("services.evaluator.job")):
            await asyncio.sleep(0.02)
    jobs[0].kill()


async def test_a_job_that_is_always_killed_fails_and_says_so(evaluator: Evaluator) -> None:
    await evaluator.take(evaluator.train(V0))
    for _ in range(evaluator.worker.settings.attempts):
        turn = asyncio.create_task(evaluator.turn())
        await killed_child()
        await turn
    assert not await evaluator.turn()
    (run,) = await evaluator.store.runs()
    assert (run["status"], run["reason"]) == ("failed", "killed by SIGKILL")
    assert evaluator.worker.health.alerts[f"evaluation of {V0}"] == "killed by SIGKILL"
    assert await evaluator.events() == []


async def test_a_damaged_model_fails_the_run_until_somebody_asks_again(
    evaluator: Evaluator,
) -> None:
    model = evaluator.train(V0)
    content = evaluator.artifacts.get(model.manifest)
    uri = json.loads(content)["files"]["linear.npz"]["uri"]
    whole = evaluator.artifacts.read(uri)
    evaluator.artifacts.put(uri, whole[:-10])
    await evaluator.take(model)
    assert await evaluator.turn()
    (run,) = await evaluator.store.runs()
    assert run["status"] == "failed"
    assert "another hash" in run["reason"]
    assert not await evaluator.turn()
    evaluator.artifacts.put(uri, whole)
    assert await evaluator.store.retry(V0) == 1
    assert await evaluator.turn()
    assert [e.verdict for e in await evaluator.events()] == ["PASS"]
    assert evaluator.worker.health.alerts == {}


async def test_without_held_out_cases_the_verdict_says_so(evaluator: Evaluator) -> None:
    await evaluator.take(evaluator.train(V0, dataset=release(evaluator.artifacts, held_out=0)))
    await evaluator.turn()
    (found,) = await evaluator.events()
    assert (found.verdict, found.candidate_measures) == ("INCONCLUSIVE", None)
    assert found.threshold > 1.0
    assert any("0 held-out cases" in reason for reason in found.reasons)
    assert b"INCONCLUSIVE" in evaluator.artifacts.get(found.report_html)


async def test_a_history_of_approvals_only_ends_in_a_verdict(evaluator: Evaluator) -> None:
    dataset = release(evaluator.artifacts, only="APPROVED")
    await evaluator.take(evaluator.train(V0, dataset=dataset))
    await evaluator.turn()
    (found,) = await evaluator.events()
    assert found.verdict == "INCONCLUSIVE"
    assert any("APPROVED of every held-out case" in reason for reason in found.reasons)


async def test_copies_of_training_cases_are_no_evidence(evaluator: Evaluator) -> None:
    """Of 200 held-out cases 190 stand in the training split, too, under other ids."""
    dataset = release(evaluator.artifacts, copied=190)
    await evaluator.take(evaluator.train(V0, dataset=dataset))
    await evaluator.turn()
    (found,) = await evaluator.events()
    assert found.verdict == "INCONCLUSIVE"
    assert "95.0% of the 200 held-out cases repeat what was learned" in found.reasons[0]
    assert found.candidate_measures is not None
    assert found.candidate_measures.cases == 10


async def test_while_storage_is_away_the_run_waits_and_no_attempt_counts(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await evaluator.take(evaluator.train(V0))
    endpoint = os.environ["S3_ENDPOINT"]
    monkeypatch.setenv("S3_ENDPOINT", "127.0.0.1:1")
    with pytest.raises(Transient, match="object storage is unavailable"):
        await evaluator.turn()
    (run,) = await evaluator.store.runs()
    assert (run["status"], run["attempts"]) == ("queued", 0)
    monkeypatch.setenv("S3_ENDPOINT", endpoint)
    assert await evaluator.turn()
    assert len(await evaluator.events()) == 1


async def test_who_lost_the_lease_publishes_nothing(
    evaluator: Evaluator, second: Evaluator
) -> None:
    await evaluator.take(evaluator.train(V0))
    await evaluator.worker.queue_comparisons()
    slow = await evaluator.store.lease(seconds=0)
    assert slow is not None
    other = await second.store.lease(seconds=PATIENCE_SECONDS)
    assert other is not None
    assert (other.run_id, other.attempt) == (slow.run_id, 2)
    with pytest.raises(LostLease):
        await evaluator.store.succeed(slow, evaluation(V0, None))
    assert await evaluator.events() == []
    await second.store.succeed(other, evaluation(V0, None))
    assert len(await evaluator.events()) == 1
