"""The review page, and each leased case as a part of it."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.review_queue.api.state import HistoryDep, LeasingDep, NotesDep
from services.review_queue.people.access import Anybody, Worker
from services.review_queue.web.navigation import see_other, start
from services.review_queue.web.pages import PagesDep
from services.review_queue.web.views.case_view import case_view
from services.review_queue.web.views.earlier_cases import earlier_views

router = APIRouter(include_in_schema=False)


@router.get("/")
async def review_page(request: Request, caller: Anybody, pages: PagesDep) -> Response:
    if not caller.may("work"):
        return see_other(start(caller))
    return pages.render(request, "review.html", principal=caller)


@router.get("/assignments/{assignment_id}")
async def leased_case(
    request: Request,
    assignment_id: UUID,
    caller: Worker,
    pages: PagesDep,
    leasing: LeasingDep,
    history: HistoryDep,
    notes: NotesDep,
) -> Response:
    """One leased case as a fragment of the review page."""
    assignment = await leasing.assignment(assignment_id, caller.name)
    case = assignment.request.case
    earlier = await history.earlier_cases(
        case.group_id, case.task, before=case.submitted_at, except_case=case.case_id
    )
    written = await notes.read(
        assignment.request.review_id, by=caller, all_of_them=assignment.kind == "final"
    )
    return pages.render(
        request,
        "case.html",
        view=case_view(assignment),
        earlier=earlier_views(case.task, earlier),
        notes=written,
    )
