"""Field types that several tasks share: normalized on the way in, and nothing that a store refuses.

No error message repeats the value, because the value may be member data.
"""

import re
import unicodedata
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

# What a deterministic check says of a case. `unchecked`: it could not be made, which is no pass.
CheckOutcome = Literal["pass", "fail", "pend", "unchecked"]
WORST_FIRST: tuple[CheckOutcome, ...] = ("fail", "pend", "unchecked", "pass")
MEMBER_DATA: dict[str, Any] = {"member_data": True}  # json_schema_extra: never in logs or metrics

# PostgreSQL's jsonb refuses NUL, and other control characters only break pages and prompts.
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")  # fits the keys of events
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# What takes no ink, besides format characters such as the zero-width space: fillers, selectors.
_BLANK = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f]")


def visible(text: str) -> str:
    """The text as a reader sees it: one form for each character, none invisible, single spaces."""
    normal = unicodedata.normalize("NFKC", text)
    shown = "".join(c for c in normal if unicodedata.category(c) != "Cf" and not _BLANK.match(c))
    return " ".join(shown.split())


def printable(value: str) -> str:
    if CONTROL_CHARACTER.search(value):
        raise PydanticCustomError("control_character", "contains a control character")
    return value


def _identifier(value: str) -> str:
    if not _IDENTIFIER.fullmatch(value):
        raise PydanticCustomError(
            "identifier", "must be letters, digits and . : _ - only, a letter or digit first"
        )
    return value


def _single_word(value: str) -> str:
    if any(character.isspace() for character in value):
        raise PydanticCustomError("single_word", "must not contain spaces")
    return printable(value)


def _calendar_date(value: Any) -> Any:
    """Only YYYY-MM-DD: pydantic alone would read a number as seconds since 1970."""
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value.strip()):
        return value.strip()
    raise PydanticCustomError("date", "must be a date written YYYY-MM-DD")


Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(printable)]
ShortText = Annotated[Text, Field(min_length=1, max_length=200)]
_Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
SingleWord = Annotated[_Word, AfterValidator(_single_word)]
Identifier = Annotated[_Word, AfterValidator(_identifier)]
CalendarDate = Annotated[date, BeforeValidator(_calendar_date)]
