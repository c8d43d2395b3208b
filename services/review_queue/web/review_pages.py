"""The page of one review: what was asked, what was answered, and notes that are added to it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import ValidationError

from services.review_queue.api.assignment_schemas import NewNote
from services.review_queue.api.fields import ReviewId
from services.review_queue.api.state import CorrectionsDep, ListingDep, NotesDep, Now, TrailDep
from services.review_queue.people.access import Reader, Worker
from services.review_queue.people.audit import AuditEntry, AuditTrail
from services.review_queue.reading.listing import LAST_POSITION
from services.review_queue.reading.redaction import redact
from services.review_queue.reading.review_detail import ReviewDetail
from services.review_queue.web.navigation import see_other
from services.review_queue.web.pages import PagesDep
from services.review_queue.web.views.case_facts import Facts, facts_of, sections
from services.review_queue.web.views.case_view import REASONS, bars
from services.review_queue.web.views.queue_texts import KINDS
from shared.auth.principal import Actor
from shared.tasks import get_task

_ENTRIES = 200

router = APIRouter(include_in_schema=False)


class ReviewPage:
    """The page of a review, as it is asked for or with a note that was refused."""

    def __init__(
        self,
        request: Request,
        pages: PagesDep,
        listing: ListingDep,
        corrections: CorrectionsDep,
        trail: TrailDep,
        now: Now,
    ) -> None:
        self.request = request
        self.pages = pages
        self.listing = listing
        self.corrections = corrections
        self.trail = trail
        self.now = now

    async def render(
        self,
        review_id: str,
        *,
        caller: Actor,
        problem: str = "",
        text: str = "",
        status: int = 200,
    ) -> Response:
        detail = redact(await self.listing.detail(review_id), caller)
        await self.trail.add(caller, "viewed", review_id)
        return self.pages.render(
            self.request,
            "review_detail.html",
            status=status,
            principal=caller,
            **_context(detail),
            open_until=self.corrections.open_until(
                detail.completed_at, author=detail.author, by=caller, now=self.now
            ),
            may_note=_may_note(detail, caller),
            entries=await _entries(self.trail, review_id, caller),
            problem=problem,
            text=text,
        )


ReviewPageDep = Annotated[ReviewPage, Depends()]


@router.get("/reviews/{review_id}")
async def review_page(review_id: ReviewId, caller: Reader, page: ReviewPageDep) -> Response:
    return await page.render(review_id, caller=caller)


@router.post("/reviews/{review_id}/notes")
async def add_note(
    review_id: ReviewId,
    caller: Worker,
    page: ReviewPageDep,
    notes: NotesDep,
    text: Annotated[str, Form()] = "",
) -> Response:
    try:
        await notes.write(review_id, NewNote(text=text).text, by=caller)
    except ValidationError as error:
        reason = error.errors(include_url=False, include_input=False)[0]["msg"]
        problem = f"The note: {reason if text.strip() else 'there is nothing in it yet'}"
        return await page.render(review_id, caller=caller, problem=problem, text=text, status=422)
    return see_other(f"/reviews/{review_id}#notes")


async def _entries(trail: AuditTrail, review_id: str, caller: Actor) -> list[AuditEntry]:
    """What was done about the review, for whoever reads the audit trail; the oldest first."""
    if not caller.may("read_audit"):
        return []
    entries = await trail.page(before=LAST_POSITION, limit=_ENTRIES, review_id=review_id)
    return list(reversed(entries))


def _may_note(detail: ReviewDetail, caller: Actor) -> bool:
    own = any(seat.reviewer == caller.name for seat in detail.seats)
    return caller.may("work") and (own or caller.may("read_cases"))


def _context(detail: ReviewDetail) -> dict[str, Any]:
    """A review as the template reads it."""
    case = detail.request.case
    task = get_task(case.task)
    return {
        "review": detail,
        "case": case,
        "task": task,
        "title": case.claim_id or case.case_id,
        "why": REASONS[detail.reason or "blind"],
        # What rules and panels say of a case, they say of the member.
        "facts": Facts(sections(task, case.input)) if detail.masked else facts_of(task, case.input),
        "bars": bars(task, detail.answer) if detail.answer else (),
        "codes": {reason.code: reason.text for reason in task.reason_codes},
        "kinds": KINDS,
    }
