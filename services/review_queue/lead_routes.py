"""The REST API for whoever looks after the queue: what waits, who works, what was said and done."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from services.review_queue.access import (
    Actor,
    Analyst,
    Anybody,
    Auditor,
    Lister,
    Manager,
    Worker,
)
from services.review_queue.audit import Action, Trail
from services.review_queue.corrections import NotTheirs
from services.review_queue.listing import Detail, Filters, Listing
from services.review_queue.reviewers import Reviewers
from services.review_queue.reviews import Priority
from services.review_queue.routes import PROBLEMS, ReviewId
from services.review_queue.schemas import (
    AuditPage,
    FoundView,
    Pause,
    PausedView,
    QueueView,
    ReviewersView,
    ReviewView,
    SeatPage,
)
from services.review_queue.states import Kind, SeatState
from shared.events import ReviewRequested, RouteReason
from shared.tasks import get_task
from shared.tasks.masking import masked

Limit = Annotated[int, Query(ge=1, le=200)]
Position = Annotated[int, Query(ge=0, lt=2**63)]
Amount = Annotated[Decimal | None, Query(ge=0, le=10_000_000)]


def filters(
    task: str | None = None,
    reason: RouteReason | None = None,
    priority: Annotated[Priority | None, Query()] = None,
    kind: Kind | None = None,
    state: SeatState | None = None,
    amount_from: Amount = None,
    amount_to: Amount = None,
    requested_before: AwareDatetime | None = None,
) -> Filters:
    if task is not None:
        get_task(task)
    return Filters(task, reason, priority, kind, state, amount_from, amount_to, requested_before)


def queue_routes(listing: Listing, trail: Trail) -> APIRouter:
    """What is in the queue."""
    router = APIRouter(prefix="/v1", tags=["queue"], responses=PROBLEMS)

    @router.get("/queue")
    async def queue(_: Anybody) -> QueueView:
        """How many seats there are, by task, reason, kind and state; at most a second old."""
        return QueueView(counts=await listing.counts())

    @router.get("/seats")
    async def seats(
        _: Lister,
        wanted: Annotated[Filters, Depends(filters)],
        after: Position = 0,
        limit: Limit = 50,
    ) -> SeatPage:
        """Seats in the order of their arrival, page by page."""
        found = await listing.page(wanted, after=after, limit=limit)
        return SeatPage(seats=found, after=found[-1].position if len(found) == limit else None)

    @router.get("/search")
    async def search(
        caller: Worker, text: Annotated[str, Query(min_length=1, max_length=128)]
    ) -> FoundView:
        """The newest reviews of a case, a claim or a member, by the whole id."""
        found = await listing.search(text.strip())
        await trail.add(caller, "searched", found=len(found))
        return FoundView(reviews=found)

    @router.get("/reviews/{review_id}")
    async def review(review_id: ReviewId, caller: Anybody) -> ReviewView:
        """One review with its case: for seniors, for the auditor without member data, and for
        whoever gave an opinion, with that alone until the review is completed.
        """
        found = visible(await listing.detail(review_id), caller)
        await trail.add(caller, "viewed", review_id)
        return _view(found)

    return router


def reviewer_routes(reviewers: Reviewers, trail: Trail) -> APIRouter:
    """Who works, and what was done."""
    router = APIRouter(prefix="/v1", tags=["lead"], responses=PROBLEMS)
    Name = Annotated[str, Query(max_length=64)]

    @router.get("/reviewers")
    async def rows(_: Analyst) -> ReviewersView:
        """Every reviewer: what he holds, what he decided in the last day, whether he is paused."""
        return ReviewersView(reviewers=list(await reviewers.rows()))

    @router.post("/reviewers/{name}/pause")
    async def pause(name: str, body: Pause, caller: Manager) -> PausedView:
        """No more cases for this reviewer; what he holds goes to the others at once."""
        return PausedView(name=name, returned=await reviewers.pause(name, body.why, by=caller))

    @router.post("/reviewers/{name}/resume", status_code=204)
    async def resume(name: str, caller: Manager) -> None:
        """Let a paused reviewer work again."""
        await reviewers.resume(name, by=caller)

    @router.get("/audit")
    async def audit(
        caller: Auditor,
        actor: Name | None = None,
        action: Action | None = None,
        review_id: Annotated[str | None, Query(max_length=128)] = None,
        before: Position = 2**63 - 1,
        limit: Limit = 50,
    ) -> AuditPage:
        """Who saw and did what, when, from where: the newest first."""
        entries = await trail.page(
            before=before, limit=limit, actor=actor, action=action, review_id=review_id
        )
        await trail.add(caller, "audit_read", review_id, entries=len(entries))
        full = len(entries) == limit
        return AuditPage(entries=list(entries), before=entries[-1].entry_id if full else None)

    return router


def visible(found: Detail, caller: Actor) -> Detail:
    """What of a review the caller may see; `NotTheirs` if nothing."""
    if caller.may("read_cases"):
        return found
    if caller.may("read_audit"):
        return replace(found, request=_masked(found))
    own = tuple(each for each in found.opinions if each.reviewer == caller.name)
    if not own:
        raise NotTheirs("seniors see all reviews; reviewers those that they decided")
    if found.completed_at is None:
        return replace(found, opinions=own, notes=())
    return found


def _masked(found: Detail) -> ReviewRequested:
    request = found.request
    hidden = masked(get_task(request.case.task), request.case.input)
    case = request.case.model_copy(update={"input": hidden, "group_id": "hidden"})
    return request.model_copy(update={"case": case})


def _view(found: Detail) -> ReviewView:
    request = found.request
    return ReviewView(
        review_id=request.review_id,
        states=list(found.states),
        label=found.label,
        case=request.case,
        reason=request.reason,
        inclusion_probability=request.inclusion_probability,
        routing_version=request.routing_version,
        requested_at=request.occurred_at,
        completed_at=found.completed_at,
        withheld=found.withheld,
        answer=request.answer,
        opinions=list(found.opinions),
        corrections=list(found.corrections),
        notes=list(found.notes),
        revision=len(found.corrections),
    )
