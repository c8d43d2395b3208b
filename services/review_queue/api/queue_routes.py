"""The REST API for whoever looks after the queue: what waits, who works, what was said and done."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.review_queue.api.fields import ReviewId, UserName
from services.review_queue.api.problems import PROBLEMS
from services.review_queue.api.queries import AuditQuery, Search, SeatsQuery
from services.review_queue.api.queue_schemas import (
    AuditPage,
    Pause,
    PausedView,
    QueueView,
    ReviewersView,
    ReviewerView,
    ReviewView,
    SearchView,
    SeatPage,
)
from services.review_queue.api.state import ListingDep, Now, ReviewersDep, TrailDep
from services.review_queue.people.access import (
    Analyst,
    Anybody,
    Auditor,
    Lister,
    Manager,
    Reader,
    Worker,
)
from services.review_queue.reading.redaction import redact

router = APIRouter(prefix="/v1", tags=["queue"], responses=PROBLEMS)
lead_router = APIRouter(prefix="/v1", tags=["lead"], responses=PROBLEMS)


@router.get("/queue")
async def queue(_: Anybody, listing: ListingDep) -> QueueView:
    """How many seats there are, by task, reason, kind and state; at most a second old."""
    return QueueView(counts=await listing.counts())


@router.get("/seats")
async def list_seats(
    caller: Lister,
    query: Annotated[SeatsQuery, Query()],
    listing: ListingDep,
    trail: TrailDep,
    now: Now,
) -> SeatPage:
    """Seats in the order of their arrival, page by page."""
    seats = await listing.page(query.filters(now), after=query.after, limit=query.limit)
    await trail.add(caller, "listed", seats=len(seats))
    return SeatPage(seats=seats, after=seats[-1].position if len(seats) == query.limit else None)


@router.post("/search")
async def search(
    wanted: Search, caller: Worker, listing: ListingDep, trail: TrailDep
) -> SearchView:
    """The newest reviews of a case, a claim or a member, by the whole id. It is posted: an
    address would carry a member's number into histories and logs."""
    reviews = await listing.search(wanted.text)
    await trail.record_search(caller, [each.review_id for each in reviews])
    return SearchView(reviews=reviews)


@router.get("/reviews/{review_id}")
async def read_review(
    review_id: ReviewId, caller: Reader, listing: ListingDep, trail: TrailDep
) -> ReviewView:
    """One review with its case, as far as the caller may see it: auditors without member
    data, reviewers nothing that would sway an opinion that is still asked for.
    """
    detail = redact(await listing.detail(review_id), caller)
    await trail.add(caller, "viewed", review_id)
    return ReviewView.of(detail)


@lead_router.get("/reviewers")
async def list_reviewers(_: Analyst, reviewers: ReviewersDep) -> ReviewersView:
    """All reviewers: what they hold, what they decided in the last day, whether they are paused."""
    return ReviewersView(reviewers=list(await reviewers.rows()))


@lead_router.get("/reviewers/{name}")
async def read_reviewer(name: UserName, _: Analyst, reviewers: ReviewersDep) -> ReviewerView:
    """One reviewer, with the cases that they hold."""
    return ReviewerView(reviewer=await reviewers.row(name), held=list(await reviewers.held(name)))


@lead_router.post("/reviewers/{name}/pause")
async def pause(
    name: UserName, body: Pause, caller: Manager, reviewers: ReviewersDep
) -> PausedView:
    """No more cases for this reviewer; what they hold goes to the others at once."""
    return PausedView(name=name, returned=await reviewers.pause(name, body.why, by=caller))


@lead_router.post("/reviewers/{name}/resume", status_code=204)
async def resume(name: UserName, caller: Manager, reviewers: ReviewersDep) -> None:
    """Let a paused reviewer work again."""
    await reviewers.resume(name, by=caller)


@lead_router.get("/audit")
async def read_audit(
    caller: Auditor, query: Annotated[AuditQuery, Query()], trail: TrailDep
) -> AuditPage:
    """Who saw and did what, when, from where: the newest first."""
    entries = await trail.page(
        before=query.before,
        limit=query.limit,
        actor=query.actor,
        action=query.action,
        review_id=query.review_id,
    )
    await trail.add(caller, "audit_read", query.review_id, entries=len(entries))
    full = len(entries) == query.limit
    return AuditPage(entries=list(entries), before=entries[-1].entry_id if full else None)
