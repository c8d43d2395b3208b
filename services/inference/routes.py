"""The HTTP side: one prediction at once, and what this process serves."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from services.inference.handlers import Handlers
from services.inference.serving import Serving
from shared.auth.dependencies import Requires
from shared.auth.principal import Actor
from shared.events import CaseSubmitted, PredictionMade
from shared.events.base import Attempt, ClaimId, Identifier, Input
from shared.http.state import FromState

Caller = Annotated[Actor, Depends(Requires("request_predictions"))]
Reader = Annotated[Actor, Depends(Requires("read_served_models"))]
HandlersDep = Annotated[Handlers, Depends(FromState("handlers"))]
ServingDep = Annotated[Serving, Depends(FromState("serving"))]
NowDep = Annotated[Callable[[], datetime], Depends(FromState("now"))]

router = APIRouter(prefix="/v1", tags=["predictions"])


class Submission(BaseModel):
    """A case to decide. Same fields as `cases.submitted.v1`."""

    model_config = ConfigDict(extra="forbid")

    case_id: Identifier
    task: str
    input: Input
    claim_id: ClaimId | None = None
    attempt: Attempt = 1
    supersedes_case_id: Identifier | None = None
    reasoning_requested: bool = False


class ServedRollout(BaseModel):
    """What this process answers with."""

    task: str
    rollout_id: str
    revision: int
    champion: str | None
    candidate: str | None
    stage: str | None
    stopped: bool


class ServedModels(BaseModel):
    loaded: list[str]
    tasks: list[ServedRollout]
    alerts: dict[str, str]


@router.post("/predictions")
async def predict(
    submission: Submission, _: Caller, handlers: HandlersDep, now: NowDep
) -> PredictionMade:
    """Predict a case now. The event is published as if the case had come by Kafka."""
    event = CaseSubmitted(occurred_at=now(), **submission.model_dump())
    return await handlers.predict(event)


@router.get("/models")
async def list_models(_: Reader, serving: ServingDep) -> ServedModels:
    tasks = [
        ServedRollout(
            task=rollout.task,
            rollout_id=rollout.rollout_id,
            revision=rollout.revision,
            champion=rollout.champion.version if rollout.champion else None,
            candidate=rollout.candidate.version if rollout.candidate else None,
            stage=rollout.stage,
            stopped=rollout.stopped,
        )
        for rollout in serving.active.values()
    ]
    return ServedModels(
        loaded=sorted(serving.pool.versions), tasks=tasks, alerts=serving.health.alerts
    )
