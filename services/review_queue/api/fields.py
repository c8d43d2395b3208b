"""Field types that bodies, paths and queries share: what passes them, the database can hold."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)
from pydantic_core import PydanticCustomError

from shared.errors import Rejected
from shared.tasks import get_task
from shared.tasks.fields import Text


def _unix_lines(text: Any) -> Any:
    """Forms end their lines differently from scripts."""
    return text.replace("\r\n", "\n") if isinstance(text, str) else text


def _in_range(time: datetime) -> datetime:
    """Databases and calendars end somewhere; requests end well before."""
    if not 2000 <= time.year < 2200:
        raise ValueError("must lie between the years 2000 and 2200")
    return time


def _known_task(name: str) -> str:
    try:
        return get_task(name).name
    except Rejected as error:
        raise PydanticCustomError("task", "{reason}", {"reason": error.reason}) from None


Reasoning = Annotated[Text, Field(min_length=1, max_length=4000), BeforeValidator(_unix_lines)]
Amount = Annotated[Decimal, Field(ge=0, le=10_000_000, decimal_places=2)]  # US dollars
UserName = Annotated[str, Field(max_length=64, pattern=r"^[\w.@\-]+$")]
ReviewId = Annotated[str, Field(max_length=128, pattern=r"^[\w.:\-]+$")]
TaskName = Annotated[str, AfterValidator(_known_task)]
Time = Annotated[AwareDatetime, AfterValidator(_in_range)]
Position = Annotated[int, Field(ge=0, lt=2**63)]
Limit = Annotated[int, Field(ge=1, le=200)]


class Input(BaseModel):
    """A body. A field that nobody knows is a mistake of the sender."""

    model_config = ConfigDict(extra="forbid")
