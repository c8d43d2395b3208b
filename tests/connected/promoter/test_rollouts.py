"""A version goes its way to champion, each step recorded and published once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from services.promoter.rollout import rollback, stop
from services.promoter.trained import TrainedModels
from shared.errors import Conflict, NotFound, Rejected
from shared.events import ModelEvaluated
from tests.connected.promoter.harness import TASK, V0, V1, V2, Promoter, prediction
from tests.support.builders.evaluations import evaluation
from tests.support.builders.events import reference, trained


def cases(name: str, count: int) -> list[str]:
    return [f"{name}-{number}" for number in range(count)]


async def in_shadow(promoter: Promoter) -> None:
    await promoter.settle_first()
    await promoter.handlers.models_evaluated([evaluation(V1, V0)])


async def test_a_first_version_is_watched_in_full_and_then_the_next_begins(
    promoter: Promoter,
) -> None:
    await promoter.handlers.models_evaluated([evaluation(V0, None), evaluation(V1, V0)])
    await promoter.predict(*cases("first", 9))
    await promoter.handlers.tick()
    waits = (await promoter.states(), await promoter.rollout())
    await promoter.predict("first-9")
    await promoter.handlers.tick()
    await promoter.handlers.tick()

    assert waits[0] == {V0: "champion", V1: "queued"}
    assert waits[1].watched == waits[1].champion
    assert await promoter.states() == {V0: "champion", V1: "shadow"}
    assert [event.stage for event in await promoter.events()] == ["full", "full", "shadow"]


async def test_a_first_version_that_fails_is_rolled_back_to_no_champion(
    promoter: Promoter,
) -> None:
    await promoter.handlers.models_evaluated([evaluation(V0, None), evaluation(V1, V0)])
    await promoter.predict(*cases("first", 7))
    await promoter.predict(*cases("failed", 3), failed=True)
    await promoter.predict(*cases("failed", 3), failed=True)  # sent again
    for _ in range(3):
        await promoter.handlers.tick()

    first, last = await promoter.events()
    assert first.champion is not None
    assert first.champion.version == V0
    assert (last.champion, last.candidate, last.last_good, last.stage) == (None,) * 4
    assert (last.revision, last.stopped, last.changed_by) == (2, False, "promoter")
    assert last.why == f"{V0} failed on 3 of 10 cases"
    assert await promoter.states() == {V0: "rolled_back", V1: "outdated"}
    assert (await promoter.store.history(TASK))[0]["what"] == "outdated"

    await promoter.handlers.models_evaluated([evaluation(V1, None)])  # compared with nobody
    assert await promoter.states() == {V0: "rolled_back", V1: "champion"}
    assert (await promoter.rollout()).watched == (await promoter.rollout()).champion


async def test_what_passed_without_a_champion_begins_when_there_is_none_again(
    promoter: Promoter,
) -> None:
    await promoter.handlers.models_evaluated([evaluation(V0, None), evaluation(V1, None)])
    before = await promoter.states()
    await promoter.store.change(TASK, lambda m: rollback(m.rollout, who="ann", why="odd"))

    assert before == {V0: "champion", V1: "outdated"}
    assert await promoter.states() == {V0: "rolled_back", V1: "champion"}
    nobody, begun = (await promoter.events())[-2:]
    assert (nobody.champion, nobody.changed_by) == (None, "ann")
    assert begun.champion is not None
    assert (begun.champion.version, begun.revision) == (V1, nobody.revision + 1)


async def test_what_has_failed_since_does_not_begin_by_a_rollback(promoter: Promoter) -> None:
    await promoter.handlers.models_evaluated([evaluation(V0, None), evaluation(V1, None)])
    await promoter.handlers.models_evaluated([evaluation(V1, V0, verdict="FAIL")])
    await promoter.store.change(TASK, lambda m: rollback(m.rollout, who="ann", why="odd"))

    assert await promoter.states() == {V0: "rolled_back", V1: "refused"}
    assert (await promoter.events())[-1].champion is None


async def test_a_candidate_becomes_champion_through_shadow_and_canary(promoter: Promoter) -> None:
    await in_shadow(promoter)
    await promoter.predict(*cases("shadow", 20))
    await promoter.handlers.tick()
    await promoter.predict(*cases("canary", 9), by=V1)
    await promoter.predict(*cases("other-arm", 9))
    await promoter.handlers.tick()
    assert (await promoter.rollout()).stage == "canary"  # only 9 were answered by the candidate
    await promoter.predict("canary-9", by=V1)
    await promoter.handlers.tick()
    await promoter.predict(*cases("full", 10), by=V1)
    await promoter.handlers.tick()

    events = await promoter.events()
    assert [event.revision for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event.stage for event in events[1:]] == ["full", "shadow", "canary", "full", "full"]
    assert [event.share for event in events[1:]] == [0.0, 0.0, 0.25, 0.0, 0.0]
    last = events[-1]
    assert last.champion is not None
    assert last.last_good is not None
    assert (last.champion.version, last.last_good.version, last.candidate) == (V1, V0, None)
    assert await promoter.states() == {V0: "retired", V1: "champion"}
    told = [(row["what"], row["version"]) for row in await promoter.store.history(TASK)]
    assert told[::-1] == [
        ("queued", V0),
        ("champion", V0),
        ("settled", None),
        ("queued", V1),
        ("shadow", V1),
        ("canary", V1),
        ("retired", V0),
        ("champion", V1),
        ("settled", None),
    ]


async def test_a_case_counts_once_however_often_it_comes(promoter: Promoter) -> None:
    await in_shadow(promoter)
    for _ in range(3):
        await promoter.predict(*cases("shadow", 7), "shadow-0")
    assert (await promoter.store.snapshot(TASK)).counts.cases == 7


async def test_predictions_of_the_stage_before_do_not_count(promoter: Promoter) -> None:
    await in_shadow(promoter)
    before = await promoter.rollout()
    await promoter.predict(*cases("shadow", 20))
    await promoter.handlers.tick()
    late = [prediction(before, name, by=V1) for name in cases("late", 50)]
    await promoter.handlers.predictions_made(late)
    assert (await promoter.store.snapshot(TASK)).counts.seen == 0


async def test_a_redelivered_evaluation_changes_nothing(promoter: Promoter) -> None:
    await in_shadow(promoter)
    before = await promoter.events()
    await in_shadow(promoter)
    assert await promoter.events() == before
    assert len(await promoter.store.history(TASK)) == 5


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", None])
async def test_a_candidate_that_passed_against_a_champion_begins_when_that_one_returns(
    promoter: Promoter, verdict: str | None
) -> None:
    """Whatever it was worth against the champion in between; none: that was never told."""
    await in_shadow(promoter)
    await promoter.handlers.models_evaluated([evaluation(V2, V0)])  # waits
    await promoter.predict(*cases("shadow", 20))
    await promoter.handlers.tick()
    await promoter.predict(*cases("canary", 10), by=V1)
    await promoter.handlers.tick()
    if verdict is not None:
        await promoter.handlers.models_evaluated([evaluation(V2, V1, verdict)])
    else:
        await promoter.predict(*cases("full", 10), by=V1)
        await promoter.handlers.tick()
        await promoter.handlers.tick()
        assert (await promoter.states())[V2] == "outdated"

    await promoter.store.change(TASK, lambda m: rollback(m.rollout, who="ann", why="odd"))

    assert await promoter.states() == {V0: "champion", V1: "rolled_back", V2: "shadow"}
    back, begun = (await promoter.events())[-2:]
    assert (back.changed_by, back.candidate) == ("ann", None)
    assert begun.candidate is not None
    assert (begun.candidate.version, begun.revision) == (V2, back.revision + 1)
    ((_, newest),) = [v for v in await promoter.store.versions(TASK) if v[1].model.version == V2]
    assert newest.champion == V0


async def test_what_was_in_service_does_not_return_with_its_champion(promoter: Promoter) -> None:
    await in_shadow(promoter)
    await promoter.handlers.models_evaluated([evaluation(V2, V0, "INCONCLUSIVE")])
    await promoter.predict(*cases("shadow", 20))
    await promoter.handlers.tick()
    await promoter.predict(*cases("canary", 10), by=V1)
    await promoter.handlers.tick()
    await promoter.store.change(TASK, lambda m: rollback(m.rollout, who="ann", why="odd"))
    assert await promoter.states() == {V0: "champion", V1: "rolled_back", V2: "held"}


async def test_a_candidate_that_fails_is_taken_out(promoter: Promoter) -> None:
    await in_shadow(promoter)
    await promoter.predict(*cases("shadow", 10), failed=True)
    await promoter.handlers.tick()
    last = (await promoter.events())[-1]
    assert (last.candidate, last.changed_by) == (None, "promoter")
    assert "failed on 10 of 10" in last.why
    assert await promoter.states() == {V0: "champion", V1: "rolled_back"}


async def test_verdicts_are_recorded_and_only_a_pass_is_published(promoter: Promoter) -> None:
    await promoter.handlers.models_evaluated(
        [
            evaluation(V0, None),
            evaluation(V1, V0, "FAIL"),
            evaluation(V2, V0, "INCONCLUSIVE"),
        ]
    )
    assert await promoter.states() == {V0: "champion", V1: "refused", V2: "held"}
    assert [event.revision for event in await promoter.events()] == [1]


async def test_two_processes_make_each_step_once(promoter: Promoter, second: Promoter) -> None:
    both = (promoter, second)
    await promoter.settle_first()
    events = [evaluation(V0, None), evaluation(V1, V0)]
    await asyncio.gather(*(p.handlers.models_evaluated(events) for p in both))
    rollout = await promoter.rollout()
    made = [prediction(rollout, name) for name in cases("shadow", 20)]
    await asyncio.gather(*(p.handlers.predictions_made(made) for p in both for _ in range(3)))
    assert (await promoter.store.snapshot(TASK)).counts.cases == 20
    await asyncio.gather(*(p.handlers.tick() for p in both for _ in range(5)))
    assert [event.revision for event in await promoter.events()] == [1, 2, 3, 4]
    assert (await second.rollout()).stage == "canary"


async def test_orders_of_two_processes_follow_one_another(
    promoter: Promoter, second: Promoter
) -> None:
    await in_shadow(promoter)
    await asyncio.gather(
        promoter.store.change(TASK, lambda m: stop(m.rollout, who="ann", why="recall")),
        second.store.change(TASK, lambda m: rollback(m.rollout, who="bob", why="odd")),
        *(p.handlers.tick() for p in (promoter, second)),
    )
    last = (await promoter.events())[-1]
    assert (last.stopped, last.candidate, last.revision) == (True, None, 5)


async def test_the_database_allows_one_champion_a_task(promoter: Promoter) -> None:
    await in_shadow(promoter)
    with pytest.raises(asyncpg.UniqueViolationError, match="one_champion"):
        await promoter.fetch("UPDATE promoter.versions SET state = 'champion'")


async def test_a_version_stands_for_one_model(promoter: Promoter) -> None:
    await promoter.handlers.models_evaluated([evaluation(V0, None, "INCONCLUSIVE")])
    other = reference().model_copy(update={"sha256": "f" * 64})
    again = evaluation(V0, V2, model=trained(V0, manifest=other))
    warmer = evaluation(V0, V2, model=trained(V0, temperature=2.0))
    for forged in (again, warmer, evaluation(V0, None, "INCONCLUSIVE", model=again.model)):
        with pytest.raises(Conflict, match="another model"):
            await promoter.handlers.models_evaluated([forged])
    assert await promoter.states() == {V0: "held"}


@pytest.mark.parametrize(
    ("forged", "field"),
    [
        (evaluation(V0, None, "PASS"), "verdict"),
        (evaluation(V0, None, "FAIL", threshold=0.0), "threshold"),
    ],
)
async def test_a_version_is_judged_once_against_a_champion(
    promoter: Promoter, forged: ModelEvaluated, field: str
) -> None:
    genuine = evaluation(V0, None, "FAIL")
    await promoter.handlers.models_evaluated([genuine])
    with pytest.raises(Conflict, match=f"^{field}.*against the same champion"):
        await promoter.handlers.models_evaluated([forged])
    await promoter.handlers.models_evaluated([genuine])
    assert await promoter.states() == {V0: "refused"}
    assert await promoter.events() == []


async def test_what_nobody_has_trained_is_not_taken(promoter: Promoter) -> None:
    """Nor what was trained as another model; what is registered needs no training record."""
    known = {V0: frozenset({trained(V0)}), V1: frozenset({trained(V1, temperature=2.0)})}

    async def find(versions: Collection[str]) -> TrainedModels:
        return {version: known[version] for version in versions if version in known}

    promoter.handlers.find_trained = find
    await promoter.handlers.models_evaluated([evaluation(V0, None, "FAIL")])
    for version, error in ((V1, Conflict), (V2, NotFound)):
        with pytest.raises(error, match=r"^model"):
            await promoter.handlers.models_evaluated([evaluation(version, None)])
    known.clear()
    await promoter.handlers.models_evaluated([evaluation(V0, V1, "FAIL")])

    assert await promoter.states() == {V0: "outdated"}
    assert await promoter.events() == []


async def test_an_unknown_task_is_rejected(promoter: Promoter) -> None:
    tarot = evaluation(V0, None, task="tarot", model=trained(V0, task="tarot"))
    with pytest.raises(Rejected, match="no such task"):
        await promoter.handlers.models_evaluated([tarot])


async def test_counted_cases_are_forgotten_once_the_rollout_is_over(promoter: Promoter) -> None:
    await in_shadow(promoter)
    await promoter.predict(*cases("shadow", 5))
    await promoter.store.forget_counted()
    assert len(await promoter.fetch("SELECT FROM promoter.counted_cases")) == 5
    await promoter.store.change(TASK, lambda m: rollback(m.rollout, who="ann", why="odd"))
    await promoter.store.forget_counted()
    assert len(await promoter.fetch("SELECT FROM promoter.counted_cases")) == 0


@dataclass
class Interrupted:
    """A database, or a connection of it, where something happens right before rows are deleted."""

    of: Any
    happens: Callable[[], Awaitable[None]]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Interrupted"]:
        async with self.of.transaction() as connection:
            yield Interrupted(connection, self.happens)

    async def execute(self, statement: str, *arguments: Any) -> Any:
        if "DELETE" in statement:
            await self.happens()
        return await self.of.execute(statement, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)


async def test_a_rollout_that_began_while_others_were_forgotten_counts_each_case_once(
    promoter: Promoter, second: Promoter
) -> None:
    """Whatever was read of the rollouts before it began."""
    await promoter.settle_first()

    async def begins() -> None:
        await second.handlers.models_evaluated([evaluation(V1, V0)])
        await second.predict(*cases("shadow", 5))

    store = promoter.store
    store.database = Interrupted(promoter.database, begins)  # type: ignore[assignment]
    await store.forget_counted()
    store.database = promoter.database
    await promoter.predict(*cases("shadow", 5))

    counted = await promoter.fetch("SELECT cases FROM promoter.stage_counts WHERE stage = 'shadow'")
    assert [row["cases"] for row in counted] == [5]


async def test_a_fresh_champion_under_watch_keeps_what_it_counted(promoter: Promoter) -> None:
    await in_shadow(promoter)
    await promoter.predict(*cases("full", 5))
    await promoter.fetch(
        "UPDATE promoter.rollouts SET state = state || "
        """'{"candidate": null, "watching": true}'::jsonb"""
    )
    await promoter.store.forget_counted()
    assert len(await promoter.fetch("SELECT FROM promoter.counted_cases")) == 5
