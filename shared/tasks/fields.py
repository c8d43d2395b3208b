"""Field types that several tasks share: normalized on the way in, and nothing that a store refuses.

No error message repeats the value, because the value may be member data.
"""

import hashlib
import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

# What a deterministic check says of a case. `unchecked`: it could not be made, which is no pass.
CheckOutcome = Literal["pass", "fail", "pend", "unchecked"]
WORST_FIRST: tuple[CheckOutcome, ...] = ("fail", "pend", "unchecked", "pass")
MEMBER_DATA: dict[str, Any] = {"member_data": True}  # json_schema_extra: never in logs or metrics

# PostgreSQL's jsonb refuses NUL, and other control characters only break pages and prompts.
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")  # fits the keys of events
_KEY_CHARACTERS = 100
_NUMBERS = (int, Decimal)  # of which 0 is one
_UNSEEN = ("Cc", "Cf", "Cs", "Co")  # control, format, surrogate, private use
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# What takes no ink, besides format characters such as the zero-width space: fillers, selectors.
_BLANK = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f]")


# Written where there is nothing; without case, spaces, accents and punctuation: #N/A is na.
_NOTHING = re.compile(
    "n|na|nan|nat|nil|no|non|none|null|undefined|missing|blank|empty|unknown|unk|unspecified|"
    "tbd|tba|tbc|pending|requested|awaiting|denied|rejected|refused|declined|withheld|void|"
    "invalid|false|nodata|novalue|(see)?(above|attached|attachment|below|enclosed)|"
    "see(chart|file|notes?|records?)|tofollow|onfile|"
    "not(applicable|available|entered|given|known|needed|onfile|provided|recorded|reported|"
    "required|specified|stated)|"
    "ref|value|name|num|div0|"  # what a spreadsheet writes where a formula fails
    "ninguno|ninguna|nada|noaplica|desconocido|desconocida|pendiente|sindatos|"
    "aucun|aucune|neant|inconnu|kein|keine|keiner|keines|unbekannt|ausstehend|entfallt|"
    "nenhum|nenhuma|naoaplicavel|nessuno|nessuna|нет|无|無|なし|x*|0*"
)
_LONGEST_WORD = 40  # in characters; anything longer says something


def means_nothing(text: str) -> bool:
    """Whether a text says that there is nothing: N/A, NULL, nan, \\N, -, TBD, pending, 0."""
    if len(text.strip()) > _LONGEST_WORD:
        return False
    plain = unicodedata.normalize("NFKD", visible(text).casefold())
    said = "".join(letter for letter in plain if letter.isalnum())
    return _NOTHING.fullmatch(said) is not None


_DASH = re.compile(r"[\u2010-\u2015\u2212]")
_OF_A_SPREADSHEET = re.compile(r"""(\d+)\.0+|="(.+)"|'(.+)""")


def visible(text: str) -> str:
    """The text as a reader sees it: one form for each character, none invisible, single spaces."""
    if text.isascii():  # nearly all are; nothing below but the spaces could change them
        return " ".join(text.split())
    normal = unicodedata.normalize("NFKC", text)
    shown = "".join(c for c in normal if unicodedata.category(c) != "Cf" and not _BLANK.match(c))
    return " ".join(shown.split())


def printable(value: str) -> str:
    if CONTROL_CHARACTER.search(value):
        raise PydanticCustomError("control_character", "contains a control character")
    return value


def _no_invisible(value: str) -> str:
    for character in value:
        blank = character.isspace() and character != " "
        if blank or unicodedata.category(character) in _UNSEEN or _BLANK.match(character):
            raise PydanticCustomError("invisible", "contains an invisible or control character")
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


def compared(number: str) -> str:
    """A number as it is compared: case, spaces, kinds of dashes and invisible characters make no
    other policy, member or claim, nor does what a spreadsheet adds: ="0047", '0047, 47.0."""
    plain = _DASH.sub("-", "".join(visible(number).split())).casefold()
    added = _OF_A_SPREADSHEET.fullmatch(plain)
    return next(filter(None, added.groups())) if added else plain


def one_spelling(number: str) -> str:
    """The spelling that all have for which `compared` is equal: the usual one, in capitals."""
    return compared(number).upper()


def key_of(number: str) -> str:
    """A claim's or member's number as a part of an event's key: in one spelling, or its hash where
    it has characters that a key cannot have."""
    spelled = one_spelling(number)
    if len(spelled) <= _KEY_CHARACTERS and _IDENTIFIER.fullmatch(spelled):
        return spelled
    return hashlib.sha256(spelled.encode()).hexdigest()[:32]


class CaseInput(BaseModel):
    """The input of a task. Whatever the door, a word for nothing is no value: an optional field is
    empty then, a list lacks the entry, and a required field is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _without_words_for_nothing(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, list | tuple):
            # A code of zeros is none that anybody knows, but it was billed.
            return [each for each in value if not _is_nothing(each) or "0" in each]
        if not _is_nothing(value) or field.annotation in _NUMBERS:
            return value
        if field.is_required():
            raise PydanticCustomError(
                "nothing", "is required, and what is given stands for nothing"
            )
        return field.get_default()


def _is_nothing(value: Any) -> bool:
    return isinstance(value, str) and means_nothing(value)


Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(printable)]
ShortText = Annotated[Text, Field(min_length=1, max_length=200)]
_Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
SingleWord = Annotated[_Word, AfterValidator(_single_word)]
Identifier = Annotated[_Word, AfterValidator(_identifier)]
# A number as its owner writes it, with slashes and spaces: it is given back unchanged.
ClaimNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=128),
    AfterValidator(_no_invisible),
]
MemberNumber = ClaimNumber
CalendarDate = Annotated[date, BeforeValidator(_calendar_date)]
