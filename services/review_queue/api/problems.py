"""How a refusal looks in the API's document; every route of it can answer with one of these."""

from pydantic import BaseModel


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str
    field: str | None = None


PROBLEMS: dict[int | str, dict[str, object]] = {
    status: {"model": Problem, "description": description}
    for status, description in {
        401: "Nobody is signed in",
        403: "The role does not allow it",
        404: "There is no such thing",
        409: "Lost, used up, or changed in between; nothing was counted",
        422: "A field is missing or wrong",
        503: "An engine is unavailable; try again",
    }.items()
}
