"""The REST API of statistics: agreement for the lead, and for each reviewer his own work."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from services.review_queue.agreement.ratings import Basis, RatingScope, Statistics
from services.review_queue.agreement.report import agreement_report
from services.review_queue.api.agreement_schemas import (
    AgreementView,
    FiguresView,
    OwnAgreement,
    WorkPage,
)
from services.review_queue.api.assignment_routes import PROBLEMS
from services.review_queue.api.assignment_schemas import Time
from services.review_queue.people.access import Analyst, Worker
from shared.tasks import get_task

MONTH, DAY = timedelta(days=30), timedelta(days=1)
Limit = Annotated[int, Query(ge=1, le=200)]


def statistics_routes(statistics: Statistics, now: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["statistics"], responses=PROBLEMS)

    @router.get("/agreement")
    async def agreement(
        _: Analyst,
        task: str,
        since: Time | None = None,
        until: Time | None = None,
        basis: Basis = "independent",
    ) -> AgreementView:
        """How far reviewers agree with each other and with the model, in the last 30 days if
        nothing is said. Only opinions that were asked for from the start count, blind to each
        other, once all of a review's are given; `independent` ones were given before the model's
        answer could be seen.
        """
        labels = get_task(task).label_names
        end = until or now()
        wanted = RatingScope(task, since or end - MONTH, end, basis)
        rated = await statistics.rated(wanted)
        found = await asyncio.to_thread(agreement_report, rated, labels=labels)
        return AgreementView.of(wanted, rated, found)

    @router.get("/my-work")
    async def my_work(
        caller: Worker,
        since: Time | None = None,
        before: Time | None = None,
        limit: Limit = 50,
    ) -> WorkPage:
        """What the caller decided, in the last 24 hours if nothing is said."""
        start = since or now() - DAY
        found = await statistics.decisions(caller.name, since=start, before=before, limit=limit)
        return WorkPage(
            decisions=list(found),
            pace=await statistics.pace(caller.name, since=start),
            before=found[-1].decided_at if len(found) == limit else None,
        )

    @router.get("/my-work/agreement")
    async def own_agreement(caller: Worker, since: Time | None = None) -> OwnAgreement:
        """How far the caller agrees with others, in the last 30 days if nothing is said."""
        figures = await statistics.own(caller.name, since=since or now() - MONTH, until=now())
        return OwnAgreement(tasks={name: FiguresView.of(each) for name, each in figures.items()})

    return router
