"""The HTTP side of imports: a file as the body or in a form, a report as the answer, and what
somebody says of an import afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.dataset_accumulator.importing.import_store import ImportRequest
from services.dataset_accumulator.importing.importer import Importer
from services.dataset_accumulator.importing.importers.rows import Reading
from services.dataset_accumulator.releasing.releaser import Releaser
from services.dataset_accumulator.splits import Shares, shares_of_import
from services.dataset_accumulator.uploads import UPLOAD_BODY, Options, Upload, upload_of
from shared.auth.dependencies import Requires, RequiresPerson
from shared.auth.principal import Actor, Person
from shared.clock import utc_day
from shared.errors import NotFound, Rejected, Transient
from shared.events import Split
from shared.http.state import FromState
from shared.tasks import get_task
from shared.telemetry import logger

Importing = Annotated[Actor, Depends(Requires("import_cases"))]
Confirming = Annotated[Person, Depends(RequiresPerson("confirm_imports"))]
Reader = Annotated[Actor, Depends(Requires("read_datasets"))]

_REFUSALS_SHOWN = 100


@dataclass(frozen=True)
class ImportDefaults:
    """What an import gets that its request does not name."""

    shares: Shares
    allowed: frozenset[Split]  # splits that imported labels may lie in
    new_id: Callable[[], str]
    now: Callable[[], datetime]


ImporterDep = Annotated[Importer, Depends(FromState("importer"))]
ReleaserDep = Annotated[Releaser, Depends(FromState("releaser"))]
DefaultsDep = Annotated[ImportDefaults, Depends(FromState("import_defaults"))]

router = APIRouter(prefix="/v1/imports", tags=["imports"])


# `held` waits for a second person; `interrupted` has said nothing for a minute.
Status = Literal["running", "interrupted", "held", "releasing", "finished", "failed", "recalled"]


class RefusedRow(BaseModel):
    line: int
    field: str | None
    why: str


class ImportReport(BaseModel):
    """How far an import is, or what came of it. Counts are rows of the file."""

    import_id: str
    task: str
    name: str
    file_sha256: str | None
    imported_by: str
    confirmed_by: str | None
    confirmed_at: datetime | None
    status: Status
    why: str | None
    recalled_by: str | None
    recalled_at: datetime | None
    recall_reason: str | None
    bytes_total: int | None
    bytes_read: int
    rows: int
    accepted: int
    duplicates: int
    refused_rows: int
    dataset_version: str | None
    splits: dict[str, float]
    decided_by: str | None
    started_at: datetime
    updated_at: datetime


class FullImportReport(ImportReport):
    """With the first refused rows, and the dataset versions that have labels of it."""

    refused: list[RefusedRow]
    dataset_versions: list[str]


class Recall(BaseModel):
    """Why an import is taken out again."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


@router.post("", status_code=201, openapi_extra={"requestBody": UPLOAD_BODY})
async def import_history(
    request: Request,
    options: Annotated[Options, Query()],
    caller: Importing,
    importer: ImporterDep,
    releaser: ReleaserDep,
    defaults: DefaultsDep,
) -> FullImportReport:
    """Import decided cases from a file of any format that has a reader.

    Good rows are held until a second person confirms the import, bad ones are listed. The same
    file again adds nothing. A claim that came before with other content is refused.
    """
    async with upload_of(request, options) as upload:
        order = _import_request(upload, defaults, imported_by=caller.signature)
        await importer.run(order, upload.body)
    return await _released_report(importer, releaser, order.import_id)


@router.get("")
async def list_imports(_: Reader, importer: ImporterDep) -> list[ImportReport]:
    """The newest imports, also those at work."""
    found = await importer.admission.imports.list(limit=50)
    return [ImportReport.model_validate(each) for each in found]


@router.get("/{import_id}")
async def show_report(
    import_id: str, _: Reader, importer: ImporterDep, releaser: ReleaserDep
) -> FullImportReport:
    """How far an import is, or what came of it."""
    return await _full_report(importer, releaser, import_id)


@router.post("/{import_id}/confirm")
async def confirm_import(
    import_id: str, caller: Confirming, importer: ImporterDep, releaser: ReleaserDep
) -> FullImportReport:
    """Let a held import in. Whoever brought it cannot."""
    await importer.admission.confirm(import_id, by=caller.name)
    return await _released_report(importer, releaser, import_id)


@router.post("/{import_id}/recall")
async def recall_import(
    import_id: str,
    recall: Recall,
    caller: Confirming,
    importer: ImporterDep,
    releaser: ReleaserDep,
) -> FullImportReport:
    """Take an import out: its labels are in no later dataset version.

    `dataset_versions` lists those that have them, from which models may have been trained.
    """
    await importer.admission.recall(import_id, by=caller.name, reason=recall.reason)
    return await _full_report(importer, releaser, import_id)


@router.get("/{import_id}/refused")
async def list_refused_rows(
    import_id: str,
    _: Reader,
    importer: ImporterDep,
    releaser: ReleaserDep,
    after: Annotated[int, Query(ge=0, description="the last line seen")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> list[RefusedRow]:
    """All refused rows, in the order of the file."""
    await _full_report(importer, releaser, import_id)
    return await _refused_rows(importer, import_id, after=after, limit=limit)


def _import_request(upload: Upload, defaults: ImportDefaults, *, imported_by: str) -> ImportRequest:
    options = upload.options
    return ImportRequest(
        import_id=defaults.new_id(),
        reading=Reading(
            get_task(options.task),
            today=utc_day(defaults.now()),
            decided_by=options.decided_by or None,
            decimal=options.decimal or None,
        ),
        file_format=options.format,
        name=options.name,
        imported_by=imported_by,
        shares=shares_of_import(options.splits, usual=defaults.shares, allowed=defaults.allowed),
        release=options.release,
        bytes_total=upload.size,
    )


async def _released_report(
    importer: Importer, releaser: Releaser, import_id: str
) -> FullImportReport:
    """The report, after the release that the import asked for, if it is let in.

    What stands in the way of a release, the releaser's loop shows and tries again.
    """
    report = await _full_report(importer, releaser, import_id)
    if report.status != "releasing":
        return report
    try:
        await releaser.release_after_import(report.task, import_id)
    except (Transient, Rejected) as error:
        logger.warning("release waits", import_id=import_id, reason=str(error))
    return await _full_report(importer, releaser, import_id)


async def _full_report(importer: Importer, releaser: Releaser, import_id: str) -> FullImportReport:
    row = await importer.admission.imports.find(import_id)
    if row is None:
        raise NotFound(f"no import {import_id!r}")
    refused = await _refused_rows(importer, import_id, after=0, limit=_REFUSALS_SHOWN)
    versions = await releaser.releases.with_import(import_id)
    return FullImportReport.model_validate(
        {**row, "refused": refused, "dataset_versions": versions}
    )


async def _refused_rows(
    importer: Importer, import_id: str, *, after: int, limit: int
) -> list[RefusedRow]:
    rows = await importer.admission.imports.refused(import_id, after=after, limit=limit)
    return [RefusedRow(line=row.line, field=row.field, why=row.why) for row in rows]
