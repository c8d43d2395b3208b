"""What routes and pages are given: the service's parts, put together once, on `app.state.parts`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request

from services.review_queue.agreement.ratings import Statistics
from services.review_queue.people.audit import Trail
from services.review_queue.people.reviewers import Reviewers
from services.review_queue.people.users import Accounts
from services.review_queue.reading.listing import Listing
from services.review_queue.reading.member_history import History
from services.review_queue.reviewing.assignments import Assignments
from services.review_queue.reviewing.corrections import Corrections
from services.review_queue.reviewing.leasing import Leasing
from services.review_queue.reviewing.notes import Notes


@dataclass(frozen=True, kw_only=True)
class Parts:
    leasing: Leasing
    assignments: Assignments
    corrections: Corrections
    notes: Notes
    history: History
    listing: Listing
    statistics: Statistics
    reviewers: Reviewers
    accounts: Accounts
    trail: Trail
    now: Callable[[], datetime]
    secure_cookies: bool = False  # on behind TLS


def _part(select: Callable[[Parts], object]) -> Any:
    async def part(request: Request) -> object:
        return select(request.app.state.parts)

    return Depends(part)


LeasingDep = Annotated[Leasing, _part(lambda parts: parts.leasing)]
AssignmentsDep = Annotated[Assignments, _part(lambda parts: parts.assignments)]
CorrectionsDep = Annotated[Corrections, _part(lambda parts: parts.corrections)]
NotesDep = Annotated[Notes, _part(lambda parts: parts.notes)]
HistoryDep = Annotated[History, _part(lambda parts: parts.history)]
ListingDep = Annotated[Listing, _part(lambda parts: parts.listing)]
StatisticsDep = Annotated[Statistics, _part(lambda parts: parts.statistics)]
ReviewersDep = Annotated[Reviewers, _part(lambda parts: parts.reviewers)]
AccountsDep = Annotated[Accounts, _part(lambda parts: parts.accounts)]
TrailDep = Annotated[Trail, _part(lambda parts: parts.trail)]
Now = Annotated[datetime, _part(lambda parts: parts.now())]
SecureCookies = Annotated[bool, _part(lambda parts: parts.secure_cookies)]
