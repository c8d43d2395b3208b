"""The REST API of statistics: agreement for the lead, and for reviewers their own work."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from services.review_queue.agreement.report import agreement_report
from services.review_queue.api.agreement_schemas import (
    AgreementView,
    FiguresView,
    OwnAgreement,
    WorkPage,
)
from services.review_queue.api.fields import Time
from services.review_queue.api.problems import PROBLEMS
from services.review_queue.api.queries import MONTH, AgreementQuery, WorkQuery
from services.review_queue.api.state import Now, StatisticsDep
from services.review_queue.people.access import Analyst, Worker
from shared.tasks import get_task

router = APIRouter(prefix="/v1", tags=["statistics"], responses=PROBLEMS)


@router.get("/agreement")
async def agreement(
    _: Analyst, query: Annotated[AgreementQuery, Query()], statistics: StatisticsDep, now: Now
) -> AgreementView:
    """How far reviewers agree with each other and with the model, in the last 30 days if
    nothing is said. Only opinions that were asked for from the start count, blind to each
    other, once all of a review's are given; `independent` ones were given before the model's
    answer could be seen.
    """
    scope = query.scope(now)
    rated = await statistics.rated(scope)
    labels = get_task(query.task).label_names
    return AgreementView.of(
        scope, rated, await asyncio.to_thread(agreement_report, rated, labels=labels)
    )


@router.get("/my-work")
async def my_work(
    caller: Worker, query: Annotated[WorkQuery, Query()], statistics: StatisticsDep, now: Now
) -> WorkPage:
    """What the caller decided, in the last 24 hours if nothing is said."""
    since = query.start(now)
    decisions = await statistics.decisions(
        caller.name, since=since, before=query.before, limit=query.limit
    )
    return WorkPage(
        decisions=list(decisions),
        pace=await statistics.pace(caller.name, since=since),
        before=decisions[-1].decided_at if len(decisions) == query.limit else None,
    )


@router.get("/my-work/agreement")
async def own_agreement(
    caller: Worker, statistics: StatisticsDep, now: Now, since: Time | None = None
) -> OwnAgreement:
    """How far the caller agrees with others, in the last 30 days if nothing is said."""
    figures = await statistics.own(caller.name, since=since or now - MONTH, until=now)
    return OwnAgreement(tasks={name: FiguresView.of(each) for name, each in figures.items()})
