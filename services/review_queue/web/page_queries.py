"""Reads the API's queries from the address of a page, and says in words what is wrong with it.

Forms send every field; an empty one means nothing.
"""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError

from services.review_queue.api.queries import Query

_MESSAGES = {
    "literal_error": "is none of the choices",
    "decimal_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "string_pattern_mismatch": "has a character that no such name has",
}
Asked = TypeVar("Asked", bound=Query)


def read(query: type[Asked], params: Mapping[str, str], **defaults: str) -> tuple[Asked, str]:
    """The query, and a sentence for each field that is wrong: then it is one of the defaults."""
    given = {name: value for name, value in params.items() if value.strip()}
    try:
        return query.model_validate({**defaults, **given}), ""
    except ValidationError as error:
        return query.model_validate(defaults), sentences(error)


def sentences(error: ValidationError) -> str:
    messages: dict[str, str] = {}
    for each in error.errors(include_url=False, include_input=False):
        field = str(each["loc"][0]).replace("_", " ").capitalize()
        messages.setdefault(field, _MESSAGES.get(each["type"], each["msg"]))
    return ". ".join(f"{field}: {message}" for field, message in messages.items())
