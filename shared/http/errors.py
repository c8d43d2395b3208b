"""Errors as answers: one table from an error's class to its status, the same for every service."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from shared.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Rejected,
    TooLarge,
    TooManyAttempts,
    Transient,
    Unauthenticated,
)

STATUS: Mapping[type[Exception], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    Rejected: 422,
    TooManyAttempts: 429,
    Transient: 503,
}
RETRY = {"Retry-After": "2"}  # seconds
CHALLENGE = {"WWW-Authenticate": "Bearer"}  # what a 401 must name: how to show who one is


def status_of(error: Exception) -> int:
    """The status of the nearest class of the error that the table has."""
    return next(STATUS[kind] for kind in type(error).mro() if kind in STATUS)


def translate_errors(app: FastAPI) -> None:
    app.add_exception_handler(Transient, answer_unavailable)
    app.add_exception_handler(Rejected, answer_rejected)
    app.add_exception_handler(RequestValidationError, answer_invalid)


async def answer_unavailable(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_of(error), headers=RETRY)


async def answer_rejected(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Rejected)
    headers = CHALLENGE if isinstance(error, Unauthenticated) else None
    content = {"detail": error.reason, "field": error.field}
    return JSONResponse(content, status_of(error), headers=headers)


async def answer_invalid(_: Request, error: Exception) -> JSONResponse:
    """Say which field and why, and never repeat the input: it may be member data."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(str(part) for part in e["loc"][1:]), "reason": e["msg"]}
        for e in error.errors()
    ]
    first = errors[0]
    return JSONResponse(
        {"detail": first["reason"], "field": first["field"] or None, "errors": errors},
        STATUS[Rejected],
    )
