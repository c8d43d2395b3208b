"""Each reviewer's own pages: what they decided, what became of it, how they work, and the form
that corrects a decision of theirs. It says what is wrong and keeps what was written.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.review_queue.api.fields import ReviewId
from services.review_queue.api.queries import WorkQuery
from services.review_queue.api.state import CorrectionsDep, Now, StatisticsDep, TrailDep
from services.review_queue.people.access import Worker
from services.review_queue.web.navigation import PageLinks, address, see_other
from services.review_queue.web.page_queries import read
from services.review_queue.web.pages import PagesDep, posted
from services.review_queue.web.views.case_facts import facts_of
from services.review_queue.web.views.correction_form import CorrectionForm, parse, written
from services.review_queue.web.views.page_choices import days
from shared.auth.principal import Person
from shared.errors import Conflict, Rejected
from shared.tasks import get_task

router = APIRouter(include_in_schema=False)


@router.get("/my-work")
async def my_work_page(
    request: Request, caller: Worker, pages: PagesDep, statistics: StatisticsDep, now: Now
) -> Response:
    params = dict(request.query_params)
    query, problem = read(WorkQuery, params)
    since = query.start(now)
    decisions = await statistics.decisions(
        caller.name, since=since, before=query.before, limit=query.limit + 1
    )
    page = decisions[: query.limit]
    older = page[-1].decided_at.isoformat() if len(decisions) > query.limit else None
    return pages.render(
        request,
        "my_work.html",
        status=422 if problem else 200,
        principal=caller,
        query=query,
        days=days(1, 7, 30),
        problem=problem,
        decisions=page,
        pace=await statistics.pace(caller.name, since=since),
        agreement=await statistics.of_month(caller.name, until=now),
        page_links=PageLinks(
            next=address("/my-work", params, before=older) if older else "",
            previous=address("/my-work", params, before=None) if query.before else "",
        ),
    )


class CorrectionPage:
    """The form of a correction, as the decision stands or as it was filled in and refused."""

    def __init__(
        self, request: Request, pages: PagesDep, corrections: CorrectionsDep, trail: TrailDep
    ) -> None:
        self.request = request
        self.pages = pages
        self.corrections = corrections
        self.trail = trail

    async def render(
        self,
        review_id: str,
        *,
        caller: Person,
        fields: Mapping[str, str] | None = None,
        refused: Rejected | None = None,
    ) -> Response:
        reopened = await self.corrections.reopen(review_id, by=caller)
        await self.trail.add(caller, "viewed", review_id)
        case = reopened.request.case
        task = get_task(case.task)
        return self.pages.render(
            self.request,
            "correction.html",
            status=200 if refused is None else 409 if isinstance(refused, Conflict) else 422,
            principal=caller,
            reopened=reopened,
            form=CorrectionForm.of(task, case),
            fields=defaultdict(str, written(reopened, task) if fields is None else fields),
            facts=facts_of(task, case.input),
            refused=refused,
        )


CorrectionPageDep = Annotated[CorrectionPage, Depends()]


@router.get("/my-work/{review_id}")
async def reopen(review_id: ReviewId, caller: Worker, page: CorrectionPageDep) -> Response:
    return await page.render(review_id, caller=caller)


@router.post("/my-work/{review_id}")
async def correct(
    request: Request,
    review_id: ReviewId,
    caller: Worker,
    page: CorrectionPageDep,
    corrections: CorrectionsDep,
) -> Response:
    fields = await posted(request)
    reopened = await corrections.reopen(review_id, by=caller)
    try:
        correction = parse(fields, reopened.request.case).correction()
        await corrections.correct(review_id, correction, by=caller)
    except Rejected as refused:
        return await page.render(review_id, caller=caller, fields=fields, refused=refused)
    return see_other(f"/reviews/{review_id}")
