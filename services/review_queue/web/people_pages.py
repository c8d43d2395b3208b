"""The pages about reviewers: who works, what they hold and decided, how far they agree."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import ValidationError

from services.review_queue.agreement.confusion import Confusion
from services.review_queue.agreement.ratings import shown_name
from services.review_queue.agreement.report import AgreementReport, agreement_report
from services.review_queue.api.fields import UserName
from services.review_queue.api.queries import ROWS, AgreementQuery
from services.review_queue.api.queue_schemas import Pause
from services.review_queue.api.state import Now, ReviewersDep, StatisticsDep
from services.review_queue.people.access import Analyst, Manager
from services.review_queue.web.navigation import see_other
from services.review_queue.web.page_queries import read
from services.review_queue.web.pages import PagesDep
from services.review_queue.web.views.case_view import spoken
from services.review_queue.web.views.heat_map import figure
from services.review_queue.web.views.page_choices import BASES, days, tasks
from services.review_queue.web.views.queue_texts import KINDS
from shared.auth.principal import Actor
from shared.errors import Conflict
from shared.tasks import TASKS, get_task

_PAIRS = 30  # those with the most reviews
_DAY = timedelta(days=1)

router = APIRouter(include_in_schema=False)


@router.get("/reviewers")
async def reviewers_page(
    request: Request, caller: Analyst, pages: PagesDep, reviewers: ReviewersDep
) -> Response:
    return pages.render(
        request, "reviewers.html", principal=caller, reviewers=await reviewers.rows()
    )


class ReviewerPage:
    """A reviewer's page, as it is asked for or after an action that was refused."""

    def __init__(
        self,
        request: Request,
        pages: PagesDep,
        reviewers: ReviewersDep,
        statistics: StatisticsDep,
        now: Now,
    ) -> None:
        self.request = request
        self.pages = pages
        self.reviewers = reviewers
        self.statistics = statistics
        self.now = now

    async def render(
        self, name: str, *, caller: Actor, problem: str = "", status: int = 200
    ) -> Response:
        return self.pages.render(
            self.request,
            "reviewer.html",
            status=status,
            principal=caller,
            reviewer=await self.reviewers.row(name),
            held=await self.reviewers.held(name),
            decisions=await self.statistics.decisions(name, since=self.now - _DAY, limit=ROWS),
            agreement=await self.statistics.of_month(name, until=self.now),
            problem=problem,
            kinds=KINDS,
        )


ReviewerPageDep = Annotated[ReviewerPage, Depends()]


@router.get("/reviewers/{name}")
async def reviewer_page(name: UserName, caller: Analyst, page: ReviewerPageDep) -> Response:
    return await page.render(name, caller=caller)


@router.post("/reviewers/{name}/pause")
async def pause(
    name: UserName,
    caller: Manager,
    page: ReviewerPageDep,
    reviewers: ReviewersDep,
    why: Annotated[str, Form()] = "",
) -> Response:
    try:
        await reviewers.pause(name, Pause(why=why).why, by=caller)
    except ValidationError:
        return await page.render(name, caller=caller, problem="Say why, in a line", status=422)
    except Conflict as error:
        return await page.render(name, caller=caller, problem=error.reason, status=409)
    return see_other(f"/reviewers/{name}")


@router.post("/reviewers/{name}/resume")
async def resume(
    name: UserName, caller: Manager, page: ReviewerPageDep, reviewers: ReviewersDep
) -> Response:
    try:
        await reviewers.resume(name, by=caller)
    except Conflict as error:
        return await page.render(name, caller=caller, problem=error.reason, status=409)
    return see_other(f"/reviewers/{name}")


@router.get("/agreement")
async def agreement_page(
    request: Request, caller: Analyst, pages: PagesDep, statistics: StatisticsDep, now: Now
) -> Response:
    query, problem = read(AgreementQuery, request.query_params, task=next(iter(TASKS)))
    rated = await statistics.rated(query.scope(now))
    labels = get_task(query.task).label_names
    agreement = await asyncio.to_thread(agreement_report, rated, labels=labels)
    return pages.render(
        request,
        "agreement.html",
        status=422 if problem else 200,
        principal=caller,
        query=query,
        problem=problem,
        cut=rated.cut,
        labels=labels,
        agreement=agreement,
        confusions=_confusions(agreement),
        figure=figure,
        shown_name=shown_name,
        most_pairs=_PAIRS,
        tasks=tasks(),
        days=days(7, 30, 90),
        bases=BASES,
    )


def _confusions(agreement: AgreementReport) -> Sequence[tuple[str, str, Confusion]]:
    """Id, title and counts of each, with the labels as people say them."""
    both = (
        ("experts", "Where reviewers differ", agreement.confusions.experts),
        ("model", "Where reviewers and the model differ", agreement.confusions.with_model),
    )
    return [
        (name, title, replace(each, labels=tuple(map(spoken, each.labels))))
        for name, title, each in both
    ]
