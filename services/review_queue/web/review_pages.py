"""The page of one review: what was asked, what was said, and notes that are added to it."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.review_queue.api.assignment_routes import ReviewId
from services.review_queue.api.assignment_schemas import NewNote
from services.review_queue.people.access import Reader, Worker
from services.review_queue.people.audit import Entry, Trail
from services.review_queue.reading.listing import Listing
from services.review_queue.reading.redaction import visible
from services.review_queue.reading.review_detail import Detail
from services.review_queue.reviewing.corrections import Corrections
from services.review_queue.reviewing.notes import Notes
from services.review_queue.web.case_facts import Facts, facts_of, sections
from services.review_queue.web.case_view import REASONS, bars
from services.review_queue.web.pages import Pages
from services.review_queue.web.queue_overview import KINDS
from shared.auth.principal import Actor
from shared.tasks import get_task

_ENTRIES = 200


def review_pages(
    pages: Pages, listing: Listing, corrections: Corrections, notes: Notes, trail: Trail
) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    async def one(
        request: Request,
        review_id: str,
        caller: Actor,
        *,
        problem: str = "",
        text: str = "",
        status: int = 200,
    ) -> Response:
        found = visible(await listing.detail(review_id), caller)
        await trail.add(caller, "viewed", review_id)
        entries = await _entries(trail, review_id, caller)
        return pages.render(
            request,
            "review_detail.html",
            status=status,
            principal=caller,
            **_shown(found),
            open_until=corrections.open_until(found, by=caller, now=pages.now()),
            may_note=_may_note(found, caller),
            entries=entries,
            problem=problem,
            text=text,
        )

    @router.get("/reviews/{review_id}")
    async def review(request: Request, review_id: ReviewId, caller: Reader) -> Response:
        return await one(request, review_id, caller)

    @router.post("/reviews/{review_id}/notes")
    async def note(
        request: Request, review_id: ReviewId, caller: Worker, text: Annotated[str, Form()] = ""
    ) -> Response:
        try:
            await notes.write(review_id, NewNote(text=text).text, by=caller)
        except ValidationError as error:
            said = error.errors(include_url=False, include_input=False)[0]["msg"]
            problem = (
                f"The note: {said}" if text.strip() else "The note: there is nothing in it yet"
            )
            return await one(request, review_id, caller, problem=problem, text=text, status=422)
        return RedirectResponse(f"/reviews/{review_id}#notes", 303)

    return router


async def _entries(trail: Trail, review_id: str, caller: Actor) -> list[Entry]:
    """What was done about the review, for whoever reads the audit trail; the oldest first."""
    if not caller.may("read_audit"):
        return []
    found = await trail.page(before=2**63 - 1, limit=_ENTRIES, review_id=review_id)
    return list(reversed(found))


def _may_note(found: Detail, caller: Actor) -> bool:
    own = any(seat.reviewer == caller.name for seat in found.seats)
    return caller.may("work") and (own or caller.may("read_cases"))


def _shown(found: Detail) -> dict[str, Any]:
    """A review as the template reads it."""
    case = found.request.case
    task = get_task(case.task)
    return {
        "review": found,
        "case": case,
        "task": task,
        "title": case.claim_id or case.case_id,
        "why": REASONS[found.reason or "blind"],
        # What rules and panels say of a case, they say of the member.
        "facts": Facts(sections(task, case.input)) if found.masked else facts_of(task, case.input),
        "bars": bars(task, found.answer) if found.answer else (),
        "codes": {reason.code: reason.text for reason in task.reason_codes},
        "kinds": KINDS,
    }
