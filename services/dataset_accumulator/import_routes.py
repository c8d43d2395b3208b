"""The HTTP side of imports: a CSV file as the body or in a form, a report as the answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from services.dataset_accumulator.importing.import_store import ImportRequest
from services.dataset_accumulator.importing.importer import Importer
from services.dataset_accumulator.splits import Shares, read_shares
from shared.auth.dependencies import Requires
from shared.auth.principal import Actor
from shared.errors import NotFound, Rejected, Transient, first_failure
from shared.http.state import FromState
from shared.tasks import get_task

Importing = Annotated[Actor, Depends(Requires("import_cases"))]
Reader = Annotated[Actor, Depends(Requires("read_datasets"))]

_REFUSALS_SHOWN = 100
_BLOCK_BYTES = 64 * 1024
_FORM_FIELDS = ("task", "format", "splits", "release")
_BODY = {
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


@dataclass(frozen=True)
class ImportDefaults:
    """What an import gets that its request does not name."""

    shares: Shares
    new_id: Callable[[], str]


ImporterDep = Annotated[Importer, Depends(FromState("importer"))]
DefaultsDep = Annotated[ImportDefaults, Depends(FromState("import_defaults"))]

router = APIRouter(prefix="/v1/imports", tags=["imports"])


class Options(BaseModel):
    """What to do with the file: in the query, or as fields of a form."""

    model_config = ConfigDict(extra="ignore")

    task: str = Field(default="", description="for example adjudication")
    format: str = Field(default="csv", description="the file's format")
    splits: str = Field(default="", description="shares of groups that are new: train=0.8,test=0.2")
    release: bool = Field(default=False, description="release a dataset version afterwards")
    name: str = Field(default="", max_length=200, description="the file's name, for the record")


@dataclass(frozen=True)
class Upload:
    """A file on its way in. `size` is None where the producer did not say it."""

    options: Options
    body: AsyncIterator[bytes]
    size: int | None


class RefusedRow(BaseModel):
    line: int
    field: str | None
    why: str


class ImportReport(BaseModel):
    """How far an import is, or what came of it. Counts are rows of the file."""

    import_id: str
    task: str
    name: str
    imported_by: str
    status: str
    why: str | None
    bytes_total: int | None
    bytes_read: int
    rows: int
    accepted: int
    duplicates: int
    refused_rows: int
    dataset_version: str | None
    splits: dict[str, float]
    started_at: datetime
    updated_at: datetime


class FullImportReport(ImportReport):
    """With the first refused rows."""

    refused: list[RefusedRow]


@router.post("", status_code=201, openapi_extra={"requestBody": _BODY})
async def import_history(
    request: Request,
    options: Annotated[Options, Query()],
    caller: Importing,
    importer: ImporterDep,
    defaults: DefaultsDep,
) -> FullImportReport:
    """Import adjudicated cases from CSV. Good rows come in, bad ones are listed.

    The same file again adds nothing. A claim that came before with other content is refused.
    """
    async with _upload(request, options) as upload:
        order = _import_request(upload, defaults, imported_by=caller.signature)
        await importer.run(order, upload.body)
    return await _full_report(importer, order.import_id)


@router.get("")
async def list_imports(_: Reader, importer: ImporterDep) -> list[ImportReport]:
    """The newest imports, also those at work."""
    return [ImportReport.model_validate(each) for each in await importer.imports.list(limit=50)]


@router.get("/{import_id}")
async def show_report(import_id: str, _: Reader, importer: ImporterDep) -> FullImportReport:
    """How far an import is, or what came of it."""
    return await _full_report(importer, import_id)


@router.get("/{import_id}/refused")
async def list_refused_rows(
    import_id: str,
    _: Reader,
    importer: ImporterDep,
    after: Annotated[int, Query(ge=0, description="the last line seen")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> list[RefusedRow]:
    """All refused rows, in the order of the file."""
    await _full_report(importer, import_id)
    return await _refused_rows(importer, import_id, after=after, limit=limit)


def _import_request(upload: Upload, defaults: ImportDefaults, *, imported_by: str) -> ImportRequest:
    options = upload.options
    return ImportRequest(
        import_id=defaults.new_id(),
        task=get_task(options.task).name,
        file_format=options.format,
        name=options.name,
        imported_by=imported_by,
        shares=read_shares(options.splits) if options.splits.strip() else defaults.shares,
        release=options.release,
        bytes_total=upload.size,
    )


async def _full_report(importer: Importer, import_id: str) -> FullImportReport:
    row = await importer.imports.find(import_id)
    if row is None:
        raise NotFound(f"no import {import_id!r}")
    refused = await _refused_rows(importer, import_id, after=0, limit=_REFUSALS_SHOWN)
    return FullImportReport.model_validate({**row, "refused": refused})


async def _refused_rows(
    importer: Importer, import_id: str, *, after: int, limit: int
) -> list[RefusedRow]:
    rows = await importer.imports.refused(import_id, after=after, limit=limit)
    return [RefusedRow(line=row.line, field=row.field, why=row.why) for row in rows]


@asynccontextmanager
async def _upload(request: Request, options: Options) -> AsyncIterator[Upload]:
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
