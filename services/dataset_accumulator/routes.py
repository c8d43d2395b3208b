"""The HTTP side: what was labeled and released, and releases by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.dataset_accumulator.releasing.releaser import Releaser
from shared.auth.dependencies import Requires
from shared.auth.principal import Actor
from shared.errors import Conflict, NotFound
from shared.events import DatasetReleased
from shared.http.state import FromState
from shared.storage.artifacts import in_thread
from shared.storage.datasets import DatasetManifest, read_manifest
from shared.tasks import TASKS, get_task

Reader = Annotated[Actor, Depends(Requires("read_datasets"))]
Operator = Annotated[Actor, Depends(Requires("release_datasets"))]
ReleaserDep = Annotated[Releaser, Depends(FromState("releaser"))]

router = APIRouter(prefix="/v1", tags=["datasets"])


class LabelProgress(BaseModel):
    """Labels until the next training."""

    train_unreleased: int = Field(description="new labels of the split train")
    unreleased: dict[str, int] = Field(description="new labels, by split")
    threshold: int = Field(description="so many new training labels make a release")
    minimum: int = Field(description="so many are needed when the schedule says it is time")
    next_schedule: datetime
    released: Sequence[str] = Field(description="the newest dataset versions, oldest first")


class LabelCount(BaseModel):
    imported: int = Field(description="labels out of imported histories")
    reviewed: int = Field(description="labels out of settled reviews")
    withheld: dict[str, int] = Field(
        description="those of them that no version may have, by reason"
    )


class ReleaseOrder(BaseModel):
    """A release by hand. The same key again gives the same version."""

    model_config = ConfigDict(extra="forbid")

    task: str
    key: Annotated[str, Field(min_length=1, max_length=100)]


@router.get("/labels/progress")
async def show_progress(
    _: Reader, releaser: ReleaserDep, task: str | None = None
) -> dict[str, LabelProgress]:
    """How far each task is from its next dataset version."""
    tasks = [get_task(task).name] if task else list(TASKS)
    return {name: await _label_progress(releaser, name) for name in tasks}


@router.get("/labels/count")
async def count_labels(_: Reader, releaser: ReleaserDep, task: str) -> LabelCount:
    """How many labels of a task there are, released or not."""
    name = get_task(task).name
    counts = await releaser.counted(name)
    return LabelCount(
        imported=counts.get("import", 0),
        reviewed=counts.get("review", 0),
        withheld=await releaser.withheld(name),
    )


@router.get("/datasets")
async def list_datasets(
    _: Reader, releaser: ReleaserDep, task: str | None = None
) -> list[DatasetReleased]:
    """The dataset versions, newest first."""
    return await releaser.releases.list(task, limit=200)


@router.get("/datasets/{version}")
async def show_dataset(version: str, _: Reader, releaser: ReleaserDep) -> DatasetManifest:
    """What a version consists of."""
    released = await releaser.releases.find(version)
    if released is None:
        raise NotFound(f"no dataset version {version!r}")
    return await in_thread(read_manifest, releaser.artifacts, released.manifest)


@router.post("/releases", status_code=201)
async def release_dataset(
    order: ReleaseOrder, operator: Operator, releaser: ReleaserDep
) -> DatasetReleased:
    """Release what waits now."""
    task = get_task(order.task).name
    trigger = f"manual:{operator.signature}:{order.key}"
    released = await releaser.release_by_hand(task, trigger=trigger)
    if released is None:
        raise Conflict(f"no label of {task} waits for a release")
    return released


async def _label_progress(releaser: Releaser, task: str) -> LabelProgress:
    unreleased = await releaser.unreleased(task)
    newest = await releaser.releases.list(task, limit=20)
    return LabelProgress(
        train_unreleased=unreleased.get("train", 0),
        unreleased=unreleased,
        threshold=releaser.settings.threshold,
        minimum=releaser.settings.minimum,
        next_schedule=releaser.settings.schedule.following(releaser.now()),
        released=[released.dataset_version for released in reversed(newest)],
    )
