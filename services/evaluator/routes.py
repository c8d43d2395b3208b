"""The HTTP side: what was compared with what, how it ended, and the report to read."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from services.evaluator.store import Store
from shared.auth.dependencies import Requires
from shared.auth.principal import Actor
from shared.errors import Conflict, NotFound
from shared.events import ModelEvaluated
from shared.http.state import FromState
from shared.storage.artifacts import Artifacts, in_thread

Reader = Annotated[Actor, Depends(Requires("read_evaluations"))]
Operator = Annotated[Actor, Depends(Requires("retry_evaluations"))]
StoreDep = Annotated[Store, Depends(FromState("store"))]
ArtifactsDep = Annotated[Artifacts, Depends(FromState("artifacts"))]

router = APIRouter(prefix="/v1", tags=["evaluations"])

# The page is whole in itself: whatever else it might name is not loaded.
_CONTENT_SECURITY = "default-src 'none'; style-src 'unsafe-inline'"


class EvaluationView(BaseModel):
    task: str
    candidate: str
    champion: str | None
    status: str
    attempts: int
    progress: dict[str, Any]
    reason: str | None
    evaluated: ModelEvaluated | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@router.get("/evaluations")
async def list_evaluations(_: Reader, store: StoreDep) -> list[EvaluationView]:
    """The comparisons, newest first."""
    return [_evaluation_view(row) for row in await store.runs()]


@router.get("/evaluations/{candidate}")
async def list_evaluations_of_candidate(
    candidate: str, _: Reader, store: StoreDep
) -> list[EvaluationView]:
    """The comparisons of one candidate, newest first."""
    evaluations = [_evaluation_view(row) for row in await store.runs(candidate=candidate)]
    if not evaluations:
        raise NotFound(f"{candidate} was never queued for an evaluation")
    return evaluations


@router.get("/evaluations/{candidate}/report", response_class=HTMLResponse)
async def show_report(
    candidate: str,
    _: Reader,
    store: StoreDep,
    artifacts: ArtifactsDep,
    champion: str | None = None,
) -> HTMLResponse:
    """The newest report of a candidate, or the one against `champion`."""
    evaluated = [_evaluation_view(row).evaluated for row in await store.runs(candidate=candidate)]
    reports = [e for e in evaluated if e is not None and champion in (None, e.champion)]
    if not reports:
        raise NotFound(f"{candidate} has no report yet")
    page = await in_thread(artifacts.get, reports[0].report_html)
    return HTMLResponse(page, headers={"Content-Security-Policy": _CONTENT_SECURITY})


@router.post("/evaluations/{candidate}/retry", status_code=202)
async def retry_evaluations(candidate: str, _: Operator, store: StoreDep) -> dict[str, int]:
    """Queue the failed evaluations of a candidate again."""
    queued = await store.retry(candidate)
    if not queued:
        raise Conflict(f"no evaluation of {candidate} has failed")
    return {"queued": queued}


def _evaluation_view(row: Any) -> EvaluationView:
    evaluated = json.loads(row["evaluated"]) if row["evaluated"] else None
    return EvaluationView.model_validate(
        {**row, "progress": json.loads(row["progress"]), "evaluated": evaluated}
    )
