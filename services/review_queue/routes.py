"""The REST API of the queue, the same for the page, for scripts and for services."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Response

from services.review_queue.access import READERS, Anybody, Reader, Reviewer
from services.review_queue.listing import Detail, Listing
from services.review_queue.reviews import ReviewState
from services.review_queue.schemas import (
    AssignmentView,
    Corrected,
    CorrectionView,
    Fence,
    Heartbeat,
    LeaseView,
    Problem,
    QueueView,
    Release,
    ReviewPage,
    ReviewView,
    Submission,
    SubmittedView,
    Wanted,
)
from services.review_queue.settlement import NotTheirs, Settlement
from services.review_queue.store import Hold, Store
from shared.auth import Principal
from shared.events import RouteReason
from shared.tasks import get_task

PROBLEMS: dict[int | str, dict[str, object]] = {
    status: {"model": Problem, "description": description}
    for status, description in {
        401: "Nobody is signed in",
        403: "The role does not allow it",
        404: "There is no such thing",
        409: "Lost, used up, or changed in between; nothing was counted",
        422: "A field is missing or wrong",
        503: "An engine is away; try again",
    }.items()
}
ReviewId = Annotated[str, Path(max_length=128, pattern=r"^[\w.:\-]+$")]


def assignment_routes(store: Store) -> APIRouter:
    """Work: lease, look, decide."""
    router = APIRouter(prefix="/v1/assignments", tags=["assignments"], responses=PROBLEMS)
    lease_seconds = store.limits.lease.total_seconds()

    nothing: dict[int | str, dict[str, object]] = {204: {"description": "Nothing waits"}}

    @router.post("", status_code=201, response_model=AssignmentView, responses=nothing)
    async def lease(
        caller: Reviewer, wanted: Annotated[Wanted, Body()] = Wanted()
    ) -> AssignmentView | Response:
        """Lease the next case; 204 if nothing waits."""
        if wanted.task is not None:
            get_task(wanted.task)
        found = await store.lease(caller.name, task=wanted.task, priority=wanted.priority)
        if found is None:
            return Response(status_code=204)
        return AssignmentView.of(found, lease_seconds=lease_seconds)

    @router.get("")
    async def held(caller: Reviewer) -> list[AssignmentView]:
        """The cases that the caller holds, oldest lease first."""
        found = await store.held(caller.name)
        return [AssignmentView.of(each, lease_seconds=lease_seconds) for each in found]

    @router.post("/{assignment_id}/heartbeat")
    async def heartbeat(assignment_id: UUID, body: Heartbeat, caller: Reviewer) -> LeaseView:
        """Prolong the lease."""
        hold = Hold(assignment_id, caller.name, body.token)
        return LeaseView(lease_expires_at=await store.heartbeat(hold, opened=body.opened))

    @router.post("/{assignment_id}/submit")
    async def submit(assignment_id: UUID, body: Submission, caller: Reviewer) -> SubmittedView:
        """Decide the case. The decision leaves once the time for undoing it is over."""
        hold = Hold(assignment_id, caller.name, body.token)
        done = await store.submit(hold, body.answer())
        return SubmittedView(
            review_id=done.review_id,
            settles_at=done.settles_at,
            undo_seconds=store.limits.undo.total_seconds(),
        )

    @router.post("/{assignment_id}/release", status_code=204)
    async def release(assignment_id: UUID, body: Release, caller: Reviewer) -> None:
        """Give the case back undecided. It goes to others first."""
        await store.release(Hold(assignment_id, caller.name, body.token), body.reason)

    @router.post("/{assignment_id}/undo")
    async def undo(assignment_id: UUID, body: Fence, caller: Reviewer) -> AssignmentView:
        """Take the decision back before it leaves. The case is leased again, with a new token."""
        again = await store.undo(Hold(assignment_id, caller.name, body.token))
        return AssignmentView.of(again, lease_seconds=lease_seconds)

    return router


def review_routes(listing: Listing, settlement: Settlement) -> APIRouter:
    """What is in the queue, what was decided, and changing it."""
    router = APIRouter(prefix="/v1", tags=["reviews"], responses=PROBLEMS)

    @router.get("/queue")
    async def queue(_: Anybody) -> QueueView:
        """How many reviews there are, by task, reason and state."""
        return QueueView(counts=await listing.counts())

    @router.get("/reviews")
    async def reviews(
        _: Reader,
        task: str | None = None,
        reason: RouteReason | None = None,
        state: ReviewState | None = None,
        after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> ReviewPage:
        """Reviews in the order of their arrival, page by page."""
        if task is not None:
            get_task(task)
        found = await listing.page(after=after, limit=limit, task=task, reason=reason, state=state)
        return ReviewPage(reviews=found, after=found[-1].position if len(found) == limit else None)

    @router.get("/reviews/{review_id}")
    async def review(review_id: ReviewId, caller: Anybody) -> ReviewView:
        """One review with its case: for readers, and for whoever decided it."""
        found = await listing.detail(review_id)
        _refuse_others(found, caller)
        return _view(found)

    @router.post("/reviews/{review_id}/corrections", status_code=201)
    async def correct(review_id: ReviewId, body: Corrected, caller: Reviewer) -> CorrectionView:
        """Change one's own decision after it has left."""
        event = await settlement.correct(review_id, body.correction(), by=caller.name)
        return CorrectionView(review_id=review_id, revision=event.revision)

    return router


def _refuse_others(found: Detail, caller: Principal) -> None:
    theirs = caller.name in {opinion.reviewer for opinion in found.opinions}
    if caller.role not in READERS and not theirs:
        raise NotTheirs("readers see all reviews; reviewers those that they decided")


def _view(found: Detail) -> ReviewView:
    request = found.request
    return ReviewView(
        review_id=request.review_id,
        state=found.state,
        case=request.case,
        reason=request.reason,
        inclusion_probability=request.inclusion_probability,
        routing_version=request.routing_version,
        requested_at=request.occurred_at,
        completed_at=found.completed_at,
        model_visible=request.model_visible,
        answer=request.answer,
        opinions=list(found.opinions),
        corrections=list(found.corrections),
        revision=len(found.corrections),
    )
