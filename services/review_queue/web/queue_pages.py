"""The pages about the queue: what waits, lists of reviews, search, the audit trail.

They are plain forms and links; a script only keeps their numbers fresh.
"""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from services.review_queue.api.queries import AuditQuery, BrowsedSeatsQuery, Search
from services.review_queue.api.state import ListingDep, Now, TrailDep
from services.review_queue.people.access import Anybody, Auditor, Lister, Worker
from services.review_queue.reading.listing import LAST_POSITION, ListedSeat, SearchHit
from services.review_queue.reading.queue_overview import queue_overview
from services.review_queue.web.navigation import PageLinks, address
from services.review_queue.web.page_queries import read, sentences
from services.review_queue.web.pages import Pages, PagesDep, posted
from services.review_queue.web.views.case_view import REASONS
from services.review_queue.web.views.page_choices import STATE_NAMES, actions, seat_choices
from services.review_queue.web.views.queue_texts import KINDS, PRIORITIES, STATES
from shared.auth.principal import Actor

router = APIRouter(include_in_schema=False)


@router.get("/queue")
async def queue_page(
    request: Request, caller: Anybody, pages: PagesDep, listing: ListingDep
) -> Response:
    further, final = await listing.count_stranded()
    return pages.render(
        request,
        "queue.html",
        principal=caller,
        tasks=queue_overview(await listing.counts()),
        no_reviewer=further,
        no_senior=final,
        states=STATES,
        reasons=REASONS,
        kinds=KINDS,
    )


@router.get("/reviews")
async def reviews_page(
    request: Request,
    caller: Lister,
    pages: PagesDep,
    listing: ListingDep,
    trail: TrailDep,
    now: Now,
) -> Response:
    """Seats, filtered and page by page."""
    params = dict(request.query_params)
    query, problem = read(BrowsedSeatsQuery, params)
    # One seat more than a page has, if there is one, in the direction of reading.
    seats = await listing.page(
        query.filters(now),
        limit=0 if problem else query.limit + 1,
        after=query.after,
        before=query.before,
        backwards=query.backwards,
    )
    page, page_links = _paginate(seats, query, params)
    await trail.add(caller, "listed", seats=len(page))
    return pages.render(
        request,
        "list.html",
        status=422 if problem else 200,
        principal=caller,
        asked=params,
        problem=problem,
        seats=page,
        page_links=page_links,
        choices=seat_choices(),
        state_names=STATE_NAMES,
        kinds=KINDS,
        reasons=REASONS,
        priorities=PRIORITIES,
    )


@router.get("/search")
async def search_page(request: Request, caller: Worker, pages: PagesDep) -> Response:
    return _render_search(request, pages, caller)


@router.post("/search")
async def search(
    request: Request, caller: Worker, pages: PagesDep, listing: ListingDep, trail: TrailDep
) -> Response:
    """Not by the address: it would carry the member's number into histories and logs."""
    text = (await posted(request)).get("text", "")
    if not text.strip():
        return _render_search(request, pages, caller)
    try:
        wanted = Search(text=text)
    except ValidationError as error:
        return _render_search(request, pages, caller, problem=sentences(error))
    reviews = await listing.search(wanted.text)
    ids = [each.review_id for each in reviews]
    await trail.record_search(caller, ids)
    readable = ids if caller.may("read_cases") else await listing.answered_by(caller.name, ids)
    return _render_search(
        request, pages, caller, text=wanted.text, reviews=reviews, readable=readable
    )


def _render_search(
    request: Request,
    pages: Pages,
    caller: Actor,
    *,
    text: str = "",
    problem: str = "",
    reviews: Sequence[SearchHit] = (),
    readable: Sequence[str] = (),
) -> Response:
    """`readable`: the reviews of the result that the caller may open."""
    return pages.render(
        request,
        "search.html",
        status=422 if problem else 200,
        principal=caller,
        text=text,
        problem=problem,
        reviews=reviews,
        readable=frozenset(readable),
        state_names=STATE_NAMES,
    )


@router.get("/audit")
async def audit_page(
    request: Request, caller: Auditor, pages: PagesDep, trail: TrailDep
) -> Response:
    params = dict(request.query_params)
    query, problem = read(AuditQuery, params)
    entries = await trail.page(
        before=query.before,
        limit=0 if problem else query.limit + 1,
        actor=query.actor,
        action=query.action,
        review_id=query.review_id,
    )
    page = entries[: query.limit]
    await trail.add(caller, "audit_read", query.review_id, entries=len(page))
    has_more = len(entries) > query.limit
    return pages.render(
        request,
        "audit.html",
        status=422 if problem else 200,
        principal=caller,
        asked=params,
        problem=problem,
        entries=page,
        actions=actions(),
        page_links=PageLinks(
            next=address("/audit", params, before=page[-1].entry_id) if has_more else "",
            previous=address("/audit", params, before=None) if query.before < LAST_POSITION else "",
        ),
    )


def _paginate(
    seats: Sequence[ListedSeat], query: BrowsedSeatsQuery, params: Mapping[str, str]
) -> tuple[Sequence[ListedSeat], PageLinks]:
    """The page in its order, and the links to its neighbors."""
    has_more = len(seats) > query.limit
    page = seats[-query.limit :] if query.backwards else seats[: query.limit]
    is_entered = query.after is not None or query.before is not None
    has_newer, has_older = (is_entered, has_more) if query.backwards else (has_more, is_entered)

    def link(is_there: bool, **cursor: int | None) -> str:
        return address("/reviews", params, **cursor) if is_there and page else ""

    newer = link(has_newer, after=page[-1].position if page else None, before=None)
    older = link(has_older, before=page[0].position if page else None, after=None)
    if query.newest_first:
        return page[::-1], PageLinks(next=older, previous=newer)
    return page, PageLinks(next=newer, previous=older)
