"""The HTTP side: where the rollouts stand, what became of each version, and the orders."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.promoter.applied import Applied
from services.promoter.guard import StageCounts
from services.promoter.rollout import missing, pause, promote, resume, rollback, start, stop
from services.promoter.state import Change, Rollout, RolloutLimits, Version, name_of
from services.promoter.store import Snapshot, Store
from shared.auth.dependencies import Requires, RequiresPerson
from shared.auth.principal import Actor, Person
from shared.errors import NotFound, Rejected
from shared.events import Measures, ModelEvaluated, Stage, Verdict
from shared.events.base import Identifier
from shared.http.state import FromState
from shared.tasks import get_task

Reader = Annotated[Actor, Depends(Requires("read_rollouts"))]
Stopper = Annotated[Actor, Depends(Requires("stop_rollouts"))]
Operator = Annotated[Person, Depends(RequiresPerson("advance_rollouts"))]
StoreDep = Annotated[Store, Depends(FromState("store"))]
_LOOK_SECONDS = 0.5
Why = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]

router = APIRouter(prefix="/v1", tags=["rollouts"])


class Order(Protocol):
    """What an operator may do to a rollout."""

    def __call__(self, rollout: Rollout, *, who: str, why: str) -> Change: ...


# Of the orders, those that a machine may give: none makes anything less cautious.
STOPS: dict[str, Order] = {"rollback": rollback, "pause": pause, "stop": stop}
ADVANCES: dict[str, Order] = {"resume": resume, "start": start}


class Reason(BaseModel):
    """Why it is done. Who does it is the caller."""

    model_config = ConfigDict(extra="forbid")

    why: Why


class Promotion(Reason):
    version: Identifier


class RolloutView(BaseModel):
    task: str
    rollout_id: str
    revision: int
    champion: str | None
    candidate: str | None
    last_good: str | None
    queued: str | None
    stage: Stage | None
    share: float
    stopped: bool
    paused: bool
    stage_since: datetime | None
    counts: StageCounts
    waits_for: tuple[str, ...]
    applied: bool  # every process that decides answers under this revision
    waiting_for: tuple[str, ...]  # who does not, or is not known to


class TransitionView(BaseModel):
    revision: int
    what: str
    version: str | None
    who: str
    why: str
    at: datetime


class VersionView(BaseModel):
    version: str
    task: str
    state: str
    verdict: Verdict
    compared_with: str | None
    reasons: tuple[str, ...]
    threshold: float
    measures: Measures | None  # none: there was nothing to measure on
    dataset_version: str
    strategy: str
    base_model: str | None
    evaluated_at: datetime


@dataclass(frozen=True)
class Viewing:
    """What a view of a rollout is made of, and how long an order waits to be applied."""

    store: StoreDep
    limits: Annotated[RolloutLimits, Depends(FromState("limits"))]
    applied: Annotated[Applied, Depends(FromState("applied"))]
    apply_seconds: Annotated[float, Depends(FromState("apply_seconds"))]

    async def show(self, task: str) -> RolloutView:
        snapshot = await self.store.snapshot(task)
        waiting_for = self.applied.waiting_for(task, snapshot.rollout.revision)
        return _rollout_view(snapshot, self.limits, waiting_for=waiting_for)

    async def show_applied(self, task: str) -> RolloutView:
        """The rollout after an order, once every process obeys it or time is up."""
        until = time.monotonic() + self.apply_seconds
        while True:
            view = await self.show(task)
            if view.applied or time.monotonic() >= until:
                return view
            await self.applied.wait_for_news(seconds=_LOOK_SECONDS)


ViewingDep = Annotated[Viewing, Depends()]


@router.get("/rollouts")
async def list_rollouts(_: Reader, store: StoreDep, viewing: ViewingDep) -> list[RolloutView]:
    """Where the rollout of every task stands."""
    return [await viewing.show(rollout.task) for rollout in await store.rollouts()]


@router.get("/rollouts/{task}")
async def show_rollout(task: str, _: Reader, viewing: ViewingDep) -> RolloutView:
    """Where the task's rollout stands, and what its stage waits for."""
    return await viewing.show(_known_task(task))


@router.get("/rollouts/{task}/history")
async def list_transitions(task: str, _: Reader, store: StoreDep) -> list[TransitionView]:
    """Every transition, the newest first: who, why, when."""
    rows = await store.history(_known_task(task))
    return [TransitionView.model_validate(dict(row)) for row in rows]


@router.get("/versions")
async def list_versions(_: Reader, store: StoreDep, task: str | None = None) -> list[VersionView]:
    """The registry: each version's verdict, measures and what became of it."""
    return [_version_view(state, evaluated) for state, evaluated in await store.versions(task)]


@router.post("/rollouts/{task}/promote")
async def promote_version(
    task: str, promotion: Promotion, caller: Operator, store: StoreDep, viewing: ViewingDep
) -> RolloutView:
    """Start by hand what an evaluation left open."""
    evaluated = await store.evaluation(_known_task(task), promotion.version)
    await store.change(
        task,
        lambda m: promote(
            m.rollout,
            Version.of(evaluated),
            verdict=evaluated.verdict,
            who=caller.signature,
            why=promotion.why,
            now=m.now,
        ),
    )
    return await viewing.show_applied(task)


def _add_stop(name: str, order: Order) -> None:
    async def give_order(
        task: str, why: Reason, caller: Stopper, store: StoreDep, viewing: ViewingDep
    ) -> RolloutView:
        return await _obey(order, _known_task(task), why, caller, store=store, viewing=viewing)

    _add_order(name, order, give_order)


def _add_advance(name: str, order: Order) -> None:
    async def give_order(
        task: str, why: Reason, caller: Operator, store: StoreDep, viewing: ViewingDep
    ) -> RolloutView:
        return await _obey(order, _known_task(task), why, caller, store=store, viewing=viewing)

    _add_order(name, order, give_order)


def _add_order(name: str, order: Order, handler: Callable[..., Awaitable[RolloutView]]) -> None:
    path = f"/rollouts/{{task}}/{name}"
    router.add_api_route(path, handler, methods=["POST"], name=name, description=order.__doc__)


async def _obey(
    order: Order, task: str, why: Reason, caller: Actor, *, store: Store, viewing: Viewing
) -> RolloutView:
    await store.change(task, lambda m: order(m.rollout, who=caller.signature, why=why.why))
    return await viewing.show_applied(task)


for _name, _order in STOPS.items():
    _add_stop(_name, _order)
for _name, _order in ADVANCES.items():
    _add_advance(_name, _order)


def _known_task(task: str) -> str:
    try:
        return get_task(task).name
    except Rejected as error:
        raise NotFound(error.reason) from None


def _rollout_view(
    snapshot: Snapshot, limits: RolloutLimits, *, waiting_for: tuple[str, ...]
) -> RolloutView:
    rollout = snapshot.rollout
    return RolloutView(
        task=rollout.task,
        rollout_id=rollout.rollout_id,
        revision=rollout.revision,
        champion=name_of(rollout.champion),
        candidate=name_of(rollout.candidate),
        last_good=name_of(rollout.last_good),
        queued=name_of(rollout.queued),
        stage=rollout.stage,
        share=rollout.share,
        stopped=rollout.stopped,
        paused=rollout.paused,
        stage_since=rollout.stage_since,
        counts=snapshot.counts,
        waits_for=_waits_for(snapshot, limits),
        applied=not waiting_for,
        waiting_for=waiting_for,
    )


def _waits_for(snapshot: Snapshot, limits: RolloutLimits) -> tuple[str, ...]:
    rollout = snapshot.rollout
    orders = [
        *(["an operator's start"] if rollout.stopped else []),
        *(["an operator's resume"] if rollout.paused else []),
    ]
    lacks = missing(rollout, counts=snapshot.counts, limits=limits, now=snapshot.now)
    return (*orders, *lacks)


def _version_view(state: str, evaluated: ModelEvaluated) -> VersionView:
    return VersionView(
        version=evaluated.model.version,
        task=evaluated.task,
        state=state,
        verdict=evaluated.verdict,
        compared_with=evaluated.champion,
        reasons=evaluated.reasons,
        threshold=evaluated.threshold,
        measures=evaluated.candidate_measures,
        dataset_version=evaluated.model.dataset_version,
        strategy=evaluated.model.strategy,
        base_model=evaluated.model.base_model,
        evaluated_at=evaluated.occurred_at,
    )
