"""What the address of a page asks for. Forms send every field; an empty one means nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from services.review_queue.agreement.ratings import Basis
from services.review_queue.api.assignment_schemas import Time
from services.review_queue.people.audit import Action
from services.review_queue.reading.listing import Filters
from services.review_queue.reviewing.review import ListedReason
from services.review_queue.reviewing.states import Kind, SeatState
from shared.tasks import TASKS
from shared.tasks.fields import ShortText, Text

Age = Literal["1h", "4h", "1d", "3d", "7d"]
AGES: dict[Age, timedelta] = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
}
Days = Literal["1", "7", "30", "90"]
Position = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[Decimal, Field(ge=0, le=10_000_000, decimal_places=2)]


class Query(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _only_what_is_said(cls, said: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in said.items() if str(value).strip()}


class SeatsQuery(Query):
    """A list of seats. `waiting`: for longer than that."""

    task: str | None = None
    reason: ListedReason | None = None
    priority: Literal["1", "2", "3"] | None = None
    kind: Kind | None = None
    state: SeatState | None = None
    waiting: Age | None = None
    amount_from: Amount | None = None
    amount_to: Amount | None = None
    order: Literal["oldest", "newest"] = "oldest"
    after: Position | None = None
    before: Position | None = None

    @field_validator("task")
    @classmethod
    def _known(cls, task: str | None) -> str | None:
        return _known_task(task) if task is not None else None

    def filters(self, now: datetime) -> Filters:
        return Filters(
            task=self.task,
            reason=self.reason,
            priority=int(self.priority) if self.priority else None,
            kind=self.kind,
            state=self.state,
            amount_from=self.amount_from,
            amount_to=self.amount_to,
            requested_before=now - AGES[self.waiting] if self.waiting else None,
        )


class AgreementQuery(Query):
    task: str = next(iter(TASKS))
    days: Days = "30"
    basis: Basis = "independent"

    @field_validator("task")
    @classmethod
    def _known(cls, task: str) -> str:
        return _known_task(task)


class WorkQuery(Query):
    days: Literal["1", "7", "30"] = "1"
    before: Time | None = None


class AuditQuery(Query):
    actor: ShortText | None = None
    action: Action | None = None
    review_id: ShortText | None = None
    before: Position | None = None


class SearchQuery(Query):
    text: Annotated[Text, Field(max_length=128)] = ""


_TOLD = {
    "literal_error": "is none of the choices",
    "decimal_parsing": "must be a number",
    "int_parsing": "must be a whole number",
}
Asked = TypeVar("Asked", bound=Query)


def read(query: type[Asked], params: Mapping[str, str]) -> tuple[Asked, str]:
    """The query, and what is wrong with it: then it is one that asks for nothing."""
    try:
        return query.model_validate(dict(params)), ""
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]).replace("_", " ")
        return query(), f"{field}: {_TOLD.get(first['type'], first['msg'])}"


def address(path: str, params: Mapping[str, str], **changes: object) -> str:
    """The same page with some of its parameters changed; None takes one away."""
    changed = {**params, **changes}
    kept = {name: value for name, value in changed.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def _known_task(name: str) -> str:
    if name not in TASKS:
        raise ValueError(f"must be one of {', '.join(TASKS)}")
    return name
