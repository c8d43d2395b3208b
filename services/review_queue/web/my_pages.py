"""Each reviewer's own pages: what he decided, what became of it, how he works, and the form that
corrects a decision of his. It says what is wrong and keeps what was written.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.review_queue.agreement.ratings import Statistics
from services.review_queue.api.assignment_routes import ReviewId
from services.review_queue.people.access import Worker
from services.review_queue.people.audit import Trail
from services.review_queue.reviewing.corrections import Corrections
from services.review_queue.web.case_facts import facts_of
from services.review_queue.web.correction_form import CorrectionForm, parse, written
from services.review_queue.web.page_choices import days
from services.review_queue.web.page_queries import WorkQuery, address, read
from services.review_queue.web.pages import Pages, posted
from shared.auth.principal import Actor
from shared.errors import Conflict, Rejected
from shared.tasks import get_task

_ROWS = 50


def my_pages(
    pages: Pages, statistics: Statistics, corrections: Corrections, trail: Trail
) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/my-work")
    async def my_work(request: Request, caller: Worker) -> Response:
        params = dict(request.query_params)
        query, problem = read(WorkQuery, params)
        now = pages.now()
        since = now - timedelta(days=int(query.days))
        found = await statistics.done(
            caller.name, since=since, before=query.before, limit=_ROWS + 1
        )
        decisions = found[:_ROWS]
        older = decisions[-1].decided_at.isoformat() if len(found) > _ROWS else None
        return pages.render(
            request,
            "my_work.html",
            status=422 if problem else 200,
            principal=caller,
            query=query,
            days=days(1, 7, 30),
            problem=problem,
            decisions=decisions,
            pace=await statistics.pace(caller.name, since=since),
            agreement=await statistics.of_month(caller.name, until=now),
            older=address("/my-work", params, before=older) if older else "",
            newest=address("/my-work", params, before=None) if query.before else "",
        )

    async def form(
        request: Request,
        review_id: str,
        caller: Actor,
        *,
        said: Mapping[str, str] | None = None,
        refused: Rejected | None = None,
    ) -> Response:
        reopened = await corrections.reopen(review_id, by=caller)
        await trail.add(caller, "viewed", review_id)
        case = reopened.request.case
        task = get_task(case.task)
        return pages.render(
            request,
            "correction.html",
            status=200 if refused is None else 409 if isinstance(refused, Conflict) else 422,
            principal=caller,
            reopened=reopened,
            form=CorrectionForm.of(task, case),
            said=defaultdict(str, written(reopened, task) if said is None else said),
            facts=facts_of(task, case.input),
            refused=refused,
        )

    @router.get("/my-work/{review_id}")
    async def reopen(request: Request, review_id: ReviewId, caller: Worker) -> Response:
        return await form(request, review_id, caller)

    @router.post("/my-work/{review_id}")
    async def correct(request: Request, review_id: ReviewId, caller: Worker) -> Response:
        said = await posted(request)
        reopened = await corrections.reopen(review_id, by=caller)
        try:
            correction = parse(said, reopened.request.case).correction()
            await corrections.correct(review_id, correction, by=caller)
        except Rejected as refused:
            return await form(request, review_id, caller, said=said, refused=refused)
        return RedirectResponse(f"/reviews/{review_id}", 303)

    return router
