"""Imports a history file while it is being uploaded: read in a thread, stored in steps.

Good rows come in and bad ones are listed. Sending the same file again adds nothing, so an import
that broke off is simply repeated.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from services.dataset_accumulator.importing.import_store import (
    ImportProgress,
    ImportRequest,
    Imports,
)
from services.dataset_accumulator.importing.importers import get_reader
from services.dataset_accumulator.importing.importers.rows import HistoryReader, Refusal, Row
from services.dataset_accumulator.labels import label_of_history
from services.dataset_accumulator.releasing.releaser import Releaser
from services.dataset_accumulator.store import Store
from shared.errors import Rejected, Transient
from shared.storage.artifacts import in_thread
from shared.tasks import get_task
from shared.telemetry import logger

T = TypeVar("T")

_ROWS_A_STEP = 500


@dataclass(frozen=True)
class Importer:
    store: Store
    imports: Imports
    releaser: Releaser

    async def run(self, request: ImportRequest, body: AsyncIterator[bytes]) -> None:
        """Import the file. `Rejected` if it cannot be read, `Transient` if the upload broke off."""
        reader = get_reader(request.file_format)
        await self.imports.begin(request)
        try:
            await self._read(request, body, reader)
        except (Rejected, Transient) as error:
            await self.imports.fail(request.import_id, str(error))
            raise
        await self.imports.complete(request.import_id)
        if request.release:
            await self._release(request)

    async def _read(
        self, request: ImportRequest, body: AsyncIterator[bytes], reader: HistoryReader
    ) -> None:
        """Read in a thread, which asks the event loop for the next bytes and to store rows."""
        loop = asyncio.get_running_loop()
        bytes_read = 0

        def wait(work: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(work, loop).result()

        def blocks() -> Iterator[bytes]:
            nonlocal bytes_read
            while (block := wait(_next(body))) is not None:
                bytes_read += len(block)
                yield block

        def read() -> None:
            rows = reader(blocks(), get_task(request.task))
            while page := list(islice(rows, _ROWS_A_STEP)):
                wait(self._store(request, page, bytes_read=bytes_read))

        await in_thread(read)

    async def _store(
        self, request: ImportRequest, page: Sequence[Row | Refusal], *, bytes_read: int
    ) -> None:
        task = get_task(request.task)
        rows = [row for row in page if isinstance(row, Row)]
        refused = [row for row in page if isinstance(row, Refusal)]
        labels = [label_of_history(task, row.claim_id, row.case) for row in rows]
        async with self.store.database.transaction() as connection:
            outcomes = await self.store.add(
                connection, labels, shares=request.shares, import_id=request.import_id
            )
            refused += [
                Refusal(
                    row.line, task.history.claim_column, "was imported before with other content"
                )
                for row, outcome in zip(rows, outcomes, strict=True)
                if outcome == "other content"
            ]
            progress = ImportProgress(
                bytes_read=bytes_read,
                rows=len(page),
                accepted=outcomes.count("new"),
                duplicates=outcomes.count("known"),
                refused=refused,
            )
            await self.imports.advance(connection, request.import_id, progress)

    async def _release(self, request: ImportRequest) -> None:
        """Release now. What stands in the way, the releaser's loop shows and tries again."""
        try:
            await self.releaser.release_after_import(request.task, request.import_id)
        except (Transient, Rejected) as error:
            logger.warning("release waits", import_id=request.import_id, reason=str(error))


async def _next(body: AsyncIterator[bytes]) -> bytes | None:
    return await anext(body, None)
