"""What routes and pages are given: the service's own parts, each kept in the application's state
under the name that it has here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from services.review_queue.agreement.ratings import Statistics
from services.review_queue.people.audit import AuditTrail
from services.review_queue.people.users import Accounts
from services.review_queue.reading.listing import Listing
from services.review_queue.reading.member_history import MemberHistory
from services.review_queue.reviewing.assignments import Assignments
from services.review_queue.reviewing.corrections import Corrections
from services.review_queue.reviewing.leasing import Leasing
from services.review_queue.reviewing.notes import Notes
from services.review_queue.reviewing.reviewers import Reviewers
from shared.http.state import FromState


@dataclass(frozen=True, kw_only=True)
class QueueState:
    leasing: Leasing
    assignments: Assignments
    corrections: Corrections
    notes: Notes
    history: MemberHistory
    listing: Listing
    statistics: Statistics
    reviewers: Reviewers
    accounts: Accounts
    trail: AuditTrail
    clock: Callable[[], datetime]
    secure_cookies: bool = False  # on behind TLS


async def _now(request: Request) -> datetime:
    now: datetime = request.app.state.clock()
    return now


LeasingDep = Annotated[Leasing, Depends(FromState("leasing"))]
AssignmentsDep = Annotated[Assignments, Depends(FromState("assignments"))]
CorrectionsDep = Annotated[Corrections, Depends(FromState("corrections"))]
NotesDep = Annotated[Notes, Depends(FromState("notes"))]
HistoryDep = Annotated[MemberHistory, Depends(FromState("history"))]
ListingDep = Annotated[Listing, Depends(FromState("listing"))]
StatisticsDep = Annotated[Statistics, Depends(FromState("statistics"))]
ReviewersDep = Annotated[Reviewers, Depends(FromState("reviewers"))]
AccountsDep = Annotated[Accounts, Depends(FromState("accounts"))]
TrailDep = Annotated[AuditTrail, Depends(FromState("trail"))]
SecureCookies = Annotated[bool, Depends(FromState("secure_cookies"))]
Now = Annotated[datetime, Depends(_now)]
