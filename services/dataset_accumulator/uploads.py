"""A file on its way in over HTTP: as the request's body, or in a form."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from shared.errors import Rejected, Transient, first_failure

_BLOCK_BYTES = 64 * 1024
_FORM_FIELDS = ("task", "format", "decided_by", "decimal", "splits", "release")
UPLOAD_BODY = {
    "required": True,
    "content": {
        "text/csv": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    **{name: {"type": "string"} for name in _FORM_FIELDS},
                },
            }
        },
    },
}


class Options(BaseModel):
    """What to do with the file: in the query, or as fields of a form."""

    model_config = ConfigDict(extra="ignore")

    task: str = Field(default="", description="for example adjudication")
    format: str = Field(default="csv", description="the file's format")
    decided_by: Literal["", "human"] = Field(
        default="", description="who decided the rows that do not say it; only human can be stated"
    )
    decimal: Literal["", ".", ","] = Field(
        default="", description="the decimal mark of the file's amounts"
    )
    splits: str = Field(default="", description="shares of groups that are new: train=0.8,test=0.2")
    release: bool = Field(default=False, description="release a dataset version afterwards")
    name: str = Field(default="", max_length=200, description="the file's name, for the record")


@dataclass(frozen=True)
class Upload:
    """A file on its way in. `size` is None where the producer did not say it."""

    options: Options
    body: AsyncIterator[bytes]
    size: int | None


@asynccontextmanager
async def upload_of(request: Request, options: Options) -> AsyncIterator[Upload]:
    """The file of the request: the body itself, or the one file of a form."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        length = request.headers.get("content-length")
        yield Upload(options, _body(request), int(length) if length else None)
        return
    async with request.form(max_files=1) as form:
        file = next((part for part in form.values() if isinstance(part, UploadFile)), None)
        if file is None:
            raise Rejected("the form holds no file", field="file")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        values = {**options.model_dump(), "name": file.filename or "", **fields}
        yield Upload(_checked(values), _blocks(file), file.size)


def _checked(values: dict[str, Any]) -> Options:
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        field, reason = first_failure(error)
        raise Rejected(reason, field=field) from None


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for block in request.stream():
            yield block
    except ClientDisconnect:
        raise Transient("the upload broke off; send the file again") from None


async def _blocks(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(_BLOCK_BYTES):
        yield block
