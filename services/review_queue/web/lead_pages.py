"""The pages of whoever looks after the queue: what waits, who works, how far they agree, what was
done. They are plain forms and links; a script only keeps their numbers fresh.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.review_queue.agreement.confusion import Confusion
from services.review_queue.agreement.ratings import Compared, Statistics, shown_name
from services.review_queue.agreement.report import AgreementReport, report
from services.review_queue.api.assignment_schemas import UserName
from services.review_queue.api.queue_schemas import Pause
from services.review_queue.people.access import Analyst, Anybody, Auditor, Lister, Manager, Worker
from services.review_queue.people.audit import Trail
from services.review_queue.people.reviewers import Reviewers
from services.review_queue.reading.listing import Listed, Listing
from services.review_queue.web.case_view import REASONS, spoken
from services.review_queue.web.heat_map import figure
from services.review_queue.web.page_choices import (
    BASES,
    STATE_NAMES,
    actions,
    days,
    seat_choices,
    tasks,
)
from services.review_queue.web.page_queries import (
    AgreementQuery,
    AuditQuery,
    SearchQuery,
    SeatsQuery,
    address,
    read,
)
from services.review_queue.web.pages import Pages, posted
from services.review_queue.web.queue_overview import KINDS, PRIORITIES, STATES, overview
from shared.auth.principal import Actor
from shared.errors import Conflict
from shared.tasks import get_task

_ROWS = 50
_PAIRS = 30  # those with the most reviews
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Turn:
    """Where a list goes on: addresses of its next page, and of the one before."""

    onward: str = ""
    back: str = ""


def queue_pages(pages: Pages, listing: Listing, trail: Trail) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/queue")
    async def queue(request: Request, caller: Anybody) -> Response:
        further, final = await listing.stranded()
        return pages.render(
            request,
            "queue.html",
            principal=caller,
            tasks=overview(await listing.counts()),
            no_reviewer=further,
            no_senior=final,
            states=STATES,
        )

    @router.get("/reviews")
    async def reviews(request: Request, caller: Lister) -> Response:
        """Seats, filtered and page by page."""
        params = dict(request.query_params)
        query, problem = read(SeatsQuery, params)
        seats = [] if problem else await _page(listing, query, pages.now())
        shown, turn = _turn(seats, query, params)
        await trail.add(caller, "listed", seats=len(shown))
        return pages.render(
            request,
            "list.html",
            status=422 if problem else 200,
            principal=caller,
            asked=params,
            problem=problem,
            seats=shown,
            turn=turn,
            choices=seat_choices(),
            state_names=STATE_NAMES,
            kinds=KINDS,
            reasons=REASONS,
            priorities=PRIORITIES,
        )

    @router.get("/search")
    async def search_form(request: Request, caller: Worker) -> Response:
        return await search(request, caller, {})

    @router.post("/search")
    async def search_posted(request: Request, caller: Worker) -> Response:
        """Not by the address: it would carry the member's number into histories and logs."""
        return await search(request, caller, await posted(request))

    async def search(request: Request, caller: Actor, said: Mapping[str, str]) -> Response:
        query, problem = read(SearchQuery, said)
        found = await listing.search(query.text) if query.text else []
        ids = [each.review_id for each in found]
        if query.text:
            await trail.searched(caller, ids)
        readable = ids if caller.may("read_cases") else await listing.said_by(caller.name, ids)
        return pages.render(
            request,
            "search.html",
            status=422 if problem else 200,
            principal=caller,
            text=query.text,
            problem=problem,
            found=found,
            readable=frozenset(readable),
            state_names=STATE_NAMES,
        )

    @router.get("/audit")
    async def audit(request: Request, caller: Auditor) -> Response:
        params = dict(request.query_params)
        query, problem = read(AuditQuery, params)
        found = await trail.page(
            before=query.before or 2**63 - 1,
            limit=_ROWS + 1,
            actor=query.actor,
            action=query.action,
            review_id=query.review_id,
        )
        entries = [] if problem else found[:_ROWS]
        await trail.add(caller, "audit_read", query.review_id, entries=len(entries))
        more = len(found) > _ROWS and entries
        return pages.render(
            request,
            "audit.html",
            status=422 if problem else 200,
            principal=caller,
            asked=params,
            problem=problem,
            entries=entries,
            actions=actions(),
            turn=Turn(
                onward=address("/audit", params, before=entries[-1].entry_id) if more else "",
                back=address("/audit", params, before=None) if query.before else "",
            ),
        )

    return router


async def _page(listing: Listing, query: SeatsQuery, now: datetime) -> Sequence[Listed]:
    """One seat more than a page has, if there is one, in the direction of reading."""
    return await listing.page(
        query.filters(now),
        limit=_ROWS + 1,
        after=query.after,
        before=query.before,
        newest=query.order == "newest",
    )


def _turn(
    seats: Sequence[Listed], query: SeatsQuery, params: Mapping[str, str]
) -> tuple[Sequence[Listed], Turn]:
    """The page in its order, and the ways on from it."""
    newest = query.order == "newest"
    backwards = query.before is not None or (newest and query.after is None)
    more = len(seats) > _ROWS
    page = (seats[-_ROWS:] if backwards else seats[:_ROWS]) if more else seats
    came = query.after is not None or query.before is not None
    later, earlier = (came, more) if backwards else (more, came)

    def way(wanted: bool, **cursor: int | None) -> str:
        return address("/reviews", params, **cursor) if wanted and page else ""

    newer = way(later, after=page[-1].position if page else None, before=None)
    older = way(earlier, before=page[0].position if page else None, after=None)
    if newest:
        return page[::-1], Turn(onward=older, back=newer)
    return page, Turn(onward=newer, back=older)


def _confusions(found: AgreementReport) -> Sequence[tuple[str, str, Confusion]]:
    """Id, title and counts of each, with the labels as people say them."""
    both = (
        ("experts", "Where reviewers differ", found.confusions.experts),
        ("model", "Where reviewers and the model differ", found.confusions.with_model),
    )
    return [
        (name, title, replace(each, labels=tuple(map(spoken, each.labels))))
        for name, title, each in both
    ]


def people_pages(pages: Pages, reviewers: Reviewers, statistics: Statistics) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/reviewers")
    async def rows(request: Request, caller: Analyst) -> Response:
        found = await reviewers.rows()
        return pages.render(request, "reviewers.html", principal=caller, found=found)

    async def one(
        request: Request, caller: Actor, name: str, *, problem: str = "", status: int = 200
    ) -> Response:
        now = pages.now()
        return pages.render(
            request,
            "reviewer.html",
            status=status,
            principal=caller,
            reviewer=await reviewers.row(name),
            held=await reviewers.held(name),
            done=await statistics.done(name, since=now - _DAY, limit=_ROWS),
            agreement=await statistics.of_month(name, until=now),
            problem=problem,
            kinds=KINDS,
        )

    @router.get("/reviewers/{name}")
    async def reviewer(request: Request, name: UserName, caller: Analyst) -> Response:
        return await one(request, caller, name)

    @router.post("/reviewers/{name}/pause")
    async def pause(
        request: Request, name: UserName, caller: Manager, why: Annotated[str, Form()] = ""
    ) -> Response:
        try:
            await reviewers.pause(name, Pause(why=why).why, by=caller)
        except ValidationError:
            return await one(request, caller, name, problem="Say why, in a line", status=422)
        except Conflict as error:
            return await one(request, caller, name, problem=error.reason, status=409)
        return RedirectResponse(f"/reviewers/{name}", 303)

    @router.post("/reviewers/{name}/resume")
    async def resume(request: Request, name: UserName, caller: Manager) -> Response:
        try:
            await reviewers.resume(name, by=caller)
        except Conflict as error:
            return await one(request, caller, name, problem=error.reason, status=409)
        return RedirectResponse(f"/reviewers/{name}", 303)

    @router.get("/agreement")
    async def agreement(request: Request, caller: Analyst) -> Response:
        params = dict(request.query_params)
        query, problem = read(AgreementQuery, params)
        now = pages.now()
        wanted = Compared(query.task, now - timedelta(days=int(query.days)), now, query.basis)
        rated = await statistics.rated(wanted)
        labels = get_task(query.task).label_names
        found = await asyncio.to_thread(report, rated, labels=labels)
        return pages.render(
            request,
            "agreement.html",
            status=422 if problem else 200,
            principal=caller,
            query=query,
            problem=problem,
            cut=rated.cut,
            labels=labels,
            found=found,
            confusions=_confusions(found),
            figure=figure,
            shown_name=shown_name,
            most_pairs=_PAIRS,
            tasks=tasks(),
            days=days(7, 30, 90),
            bases=BASES,
        )

    return router
