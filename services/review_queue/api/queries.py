"""What a list or a statistic can be asked for, once for the API and for the pages.

The API takes a query from its parameters as it is; a page reads it by `web/page_queries.py`.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.review_queue.agreement.ratings import Basis, RatingScope
from services.review_queue.api.fields import (
    Amount,
    Limit,
    Position,
    ReviewId,
    TaskName,
    Time,
    UserName,
)
from services.review_queue.people.audit import Action
from services.review_queue.reading.listing import LAST_POSITION, Filters
from services.review_queue.reviewing.review import ListedReason
from services.review_queue.reviewing.states import Kind, SeatState
from shared.tasks.fields import Text

Age = Literal["1h", "4h", "1d", "3d", "7d"]
AGES: dict[Age, timedelta] = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
}
ROWS = 50  # of a page, if nothing is said
MONTH = timedelta(days=30)


class Query(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SeatsQuery(Query):
    """A list of seats, in the order of their arrival. `waiting`: for longer than that."""

    task: TaskName | None = None
    reason: ListedReason | None = None
    priority: Annotated[int, Field(ge=1, le=2)] | None = None
    kind: Kind | None = None
    state: SeatState | None = None
    amount_from: Amount | None = None
    amount_to: Amount | None = None
    requested_before: Time | None = None
    waiting: Age | None = None
    after: Position | None = None
    limit: Limit = ROWS

    def filters(self, now: datetime) -> Filters:
        return Filters(
            task=self.task,
            reason=self.reason,
            priority=self.priority,
            kind=self.kind,
            state=self.state,
            amount_from=self.amount_from,
            amount_to=self.amount_to,
            requested_before=self._requested_before(now),
        )

    def _requested_before(self, now: datetime) -> datetime | None:
        if self.waiting is None:
            return self.requested_before
        waiting = now - AGES[self.waiting]
        return min(waiting, self.requested_before) if self.requested_before else waiting


class BrowsedSeatsQuery(SeatsQuery):
    """The same list in either direction, for who turns its pages."""

    order: Literal["oldest", "newest"] = "oldest"
    before: Position | None = None

    @property
    def newest_first(self) -> bool:
        return self.order == "newest"

    @property
    def backwards(self) -> bool:
        """Whether a page is the last of what there is: before a position, or the newest of all."""
        return self.before is not None or (self.newest_first and self.after is None)


class AgreementQuery(Query):
    """Answers that are compared: from `since`, else of so many `days`, until before `until`."""

    task: TaskName
    since: Time | None = None
    until: Time | None = None
    days: Literal["7", "30", "90"] = "30"
    basis: Basis = "independent"

    def scope(self, now: datetime) -> RatingScope:
        until = self.until or now
        since = self.since or until - timedelta(days=int(self.days))
        return RatingScope(self.task, since, until, self.basis)


class WorkQuery(Query):
    """A reviewer's own decisions since a time, else of so many `days`; the newest first."""

    since: Time | None = None
    days: Literal["1", "7", "30"] = "1"
    before: Time | None = None
    limit: Limit = ROWS

    def start(self, now: datetime) -> datetime:
        return self.since or now - timedelta(days=int(self.days))


class AuditQuery(Query):
    """Entries of the audit trail before a position, the newest first."""

    actor: UserName | None = None
    action: Action | None = None
    review_id: ReviewId | None = None
    before: Position = LAST_POSITION
    limit: Limit = ROWS


class Search(Query):
    """Sent in a body: an address would carry a member's number into histories and logs."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[Text, Field(min_length=1, max_length=128)]
