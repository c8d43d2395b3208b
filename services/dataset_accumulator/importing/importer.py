"""Reads a history file while it is being uploaded: in a thread, its rows held in steps.

Good rows are held and bad ones are listed. Nothing of a file that broke off comes in: it is simply
sent again.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from services.dataset_accumulator.importing.admission import Admission
from services.dataset_accumulator.importing.held_rows import hold
from services.dataset_accumulator.importing.import_store import ImportProgress, ImportRequest
from services.dataset_accumulator.importing.importers import get_reader
from services.dataset_accumulator.importing.importers.rows import HistoryReader, Refusal, Row
from services.dataset_accumulator.labels import label_of_history
from shared.errors import Rejected, Transient
from shared.storage.artifacts import in_thread

T = TypeVar("T")

_ROWS_A_STEP = 500


@dataclass(frozen=True)
class Importer:
    admission: Admission

    async def run(self, request: ImportRequest, body: AsyncIterator[bytes]) -> None:
        """Read the file. `Rejected` if it cannot be read, `Transient` if the upload broke off."""
        reader = get_reader(request.file_format)
        imports = self.admission.imports
        await imports.begin(request)
        try:
            sha256 = await self._read(request, body, reader)
            await self.admission.complete(request.import_id, sha256=sha256)
        except (Rejected, Transient) as error:
            await imports.fail(request.import_id, str(error))
            raise

    async def _read(
        self, request: ImportRequest, body: AsyncIterator[bytes], reader: HistoryReader
    ) -> str:
        """Read in a thread, which asks the event loop for the next bytes and to hold rows.

        The file's sha256.
        """
        loop = asyncio.get_running_loop()
        bytes_read, content = 0, hashlib.sha256()

        def wait(work: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(work, loop).result()

        def blocks() -> Iterator[bytes]:
            nonlocal bytes_read
            while (block := wait(_next(body))) is not None:
                bytes_read += len(block)
                content.update(block)
                yield block

        def read() -> None:
            rows = reader(blocks(), request.reading)
            while page := list(islice(rows, _ROWS_A_STEP)):
                wait(self._hold(request, page, bytes_read=bytes_read))

        await in_thread(read)
        return content.hexdigest()

    async def _hold(
        self, request: ImportRequest, page: Sequence[Row | Refusal], *, bytes_read: int
    ) -> None:
        labels = [
            (row.line, label_of_history(request.reading.task, row.claim_id, row.case))
            for row in page
            if isinstance(row, Row)
        ]
        progress = ImportProgress(
            bytes_read=bytes_read,
            rows=len(page),
            accepted=len(labels),
            refused=[row for row in page if isinstance(row, Refusal)],
        )
        async with self.admission.store.database.transaction() as connection:
            await self.admission.imports.advance(connection, request.import_id, progress)
            await hold(connection, request.import_id, labels)


async def _next(body: AsyncIterator[bytes]) -> bytes | None:
    return await anext(body, None)
