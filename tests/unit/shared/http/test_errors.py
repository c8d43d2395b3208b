"""Every error that a service may answer with has a status, and the same one everywhere."""

import inspect

import httpx
import pytest
from fastapi import FastAPI

from shared import errors
from shared.errors import Conflict, NotFound, Rejected, Transient, Unauthenticated
from shared.http.errors import STATUS, status_of, translate_errors


class OutOfReach(Transient):
    """A kind of its own, as parts of the system define them."""


class NoSuchCase(NotFound):
    """Likewise."""


def test_the_table_has_every_class_that_is_general() -> None:
    general = {kind for _, kind in inspect.getmembers(errors, inspect.isclass)}

    assert set(STATUS) == general
    assert len(set(STATUS.values())) == len(STATUS)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OutOfReach("PostgreSQL is unavailable"), 503),
        (NoSuchCase("no case 7"), 404),
        (Conflict("decided already", field="label"), 409),
        (Rejected("must be a number", field="amount"), 422),
        (Unauthenticated("sign in"), 401),
    ],
)
async def test_an_error_is_answered_as_its_nearest_class(error: Exception, status: int) -> None:
    app = FastAPI()
    translate_errors(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        answer = await client.get("/")

    assert (answer.status_code, status_of(error)) == (status, status)
    if isinstance(error, Rejected):
        assert answer.json() == {"detail": error.reason, "field": error.field}
    else:
        assert answer.json() == {"detail": str(error)}
        assert answer.headers["retry-after"] == "2"
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
