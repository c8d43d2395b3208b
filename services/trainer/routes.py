"""The HTTP side: what was trained, what is training, and a second try."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.trainer.store import Store
from shared.auth.dependencies import Requires
from shared.auth.principal import Actor
from shared.errors import Conflict
from shared.http.state import FromState

Reader = Annotated[Actor, Depends(Requires("read_training_runs"))]
Operator = Annotated[Actor, Depends(Requires("retry_training_runs"))]
StoreDep = Annotated[Store, Depends(FromState("store"))]

router = APIRouter(prefix="/v1", tags=["training"])


class RunView(BaseModel):
    run_id: str
    task: str
    dataset_version: str
    status: str
    attempts: int
    progress: dict[str, Any]
    version: str | None
    reason: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@router.get("/runs")
async def list_runs(_: Reader, store: StoreDep, task: str | None = None) -> list[RunView]:
    """The training runs, newest first."""
    return [
        RunView.model_validate({**row, "progress": json.loads(row["progress"])})
        for row in await store.runs(task)
    ]


@router.post("/runs/{run_id}/retry", status_code=202)
async def retry_run(run_id: str, _: Operator, store: StoreDep) -> dict[str, str]:
    """Queue a failed run again."""
    if not await store.retry(run_id):
        raise Conflict("only a failed run can be tried again, and none may wait")
    return {"run_id": run_id, "status": "queued"}
