"""The REST API for whoever looks after the queue: what waits, who works, what was said and done."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.review_queue.api.assignment_routes import PROBLEMS, ReviewId
from services.review_queue.api.assignment_schemas import Time, UserName
from services.review_queue.api.queue_schemas import (
    AuditPage,
    FoundView,
    Pause,
    PausedView,
    QueueView,
    ReviewersView,
    ReviewerView,
    ReviewView,
    Search,
    SeatPage,
)
from services.review_queue.people.access import (
    Analyst,
    Anybody,
    Auditor,
    Lister,
    Manager,
    Reader,
    Worker,
)
from services.review_queue.people.audit import Action, AuditTrail
from services.review_queue.reading.listing import Filters, Listing
from services.review_queue.reading.redaction import redact
from services.review_queue.reviewing.review import ListedReason
from services.review_queue.reviewing.reviewers import Reviewers
from services.review_queue.reviewing.states import Kind, SeatState
from shared.tasks import get_task

Limit = Annotated[int, Query(ge=1, le=200)]
Position = Annotated[int, Query(ge=0, lt=2**63)]
Amount = Annotated[Decimal | None, Query(ge=0, le=10_000_000, decimal_places=2)]


def filters(
    task: str | None = None,
    reason: ListedReason | None = None,
    priority: Annotated[int | None, Query(ge=1, le=3)] = None,
    kind: Kind | None = None,
    state: SeatState | None = None,
    amount_from: Amount = None,
    amount_to: Amount = None,
    requested_before: Time | None = None,
) -> Filters:
    if task is not None:
        get_task(task)
    return Filters(task, reason, priority, kind, state, amount_from, amount_to, requested_before)


def queue_routes(listing: Listing, trail: AuditTrail) -> APIRouter:
    """What is in the queue."""
    router = APIRouter(prefix="/v1", tags=["queue"], responses=PROBLEMS)

    @router.get("/queue")
    async def queue(_: Anybody) -> QueueView:
        """How many seats there are, by task, reason, kind and state; at most a second old."""
        return QueueView(counts=await listing.counts())

    @router.get("/seats")
    async def seats(
        caller: Lister,
        wanted: Annotated[Filters, Depends(filters)],
        after: Position = 0,
        limit: Limit = 50,
    ) -> SeatPage:
        """Seats in the order of their arrival, page by page."""
        found = await listing.page(wanted, after=after, limit=limit)
        await trail.add(caller, "listed", seats=len(found))
        return SeatPage(seats=found, after=found[-1].position if len(found) == limit else None)

    @router.post("/search")
    async def search(wanted: Search, caller: Worker) -> FoundView:
        """The newest reviews of a case, a claim or a member, by the whole id. It is posted: an
        address would carry a member's number into histories and logs."""
        found = await listing.search(wanted.text)
        await trail.record_search(caller, [each.review_id for each in found])
        return FoundView(reviews=found)

    @router.get("/reviews/{review_id}")
    async def review(review_id: ReviewId, caller: Reader) -> ReviewView:
        """One review with its case, as far as the caller may see it: auditors without member
        data, reviewers nothing that would sway an opinion that is still asked for.
        """
        found = redact(await listing.detail(review_id), caller)
        await trail.add(caller, "viewed", review_id)
        return ReviewView.of(found)

    return router


def reviewer_routes(reviewers: Reviewers, trail: AuditTrail) -> APIRouter:
    """Who works, and what was done."""
    router = APIRouter(prefix="/v1", tags=["lead"], responses=PROBLEMS)

    @router.get("/reviewers")
    async def rows(_: Analyst) -> ReviewersView:
        """Every reviewer: what he holds, what he decided in the last day, whether he is paused."""
        return ReviewersView(reviewers=list(await reviewers.rows()))

    @router.get("/reviewers/{name}")
    async def one(name: UserName, _: Analyst) -> ReviewerView:
        """One reviewer, with the cases that he holds."""
        return ReviewerView(
            reviewer=await reviewers.row(name), held=list(await reviewers.held(name))
        )

    @router.post("/reviewers/{name}/pause")
    async def pause(name: UserName, body: Pause, caller: Manager) -> PausedView:
        """No more cases for this reviewer; what he holds goes to the others at once."""
        return PausedView(name=name, returned=await reviewers.pause(name, body.why, by=caller))

    @router.post("/reviewers/{name}/resume", status_code=204)
    async def resume(name: UserName, caller: Manager) -> None:
        """Let a paused reviewer work again."""
        await reviewers.resume(name, by=caller)

    @router.get("/audit")
    async def audit(
        caller: Auditor,
        actor: UserName | None = None,
        action: Action | None = None,
        review_id: Annotated[str | None, Query(max_length=128, pattern=r"^[\w.:\-]+$")] = None,
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
