"""What lets an import in, and what takes it out again.

Nobody confirms their own import: it waits until a second person has, and until then its rows are
no labels. The database keeps to that as well: a label refers to the confirmation of its import.
"""

from dataclasses import dataclass
from typing import Any

from services.dataset_accumulator.importing.held_rows import drop_held, held_labels, sift
from services.dataset_accumulator.importing.import_store import Imports
from services.dataset_accumulator.store import Store
from shared.errors import Conflict, Forbidden, NotFound
from shared.storage.database import Connection
from shared.tasks import get_task
from shared.telemetry import logger


@dataclass(frozen=True)
class Admission:
    store: Store
    imports: Imports
    needs_confirmation: bool

    async def complete(self, import_id: str, *, sha256: str) -> None:
        """The file is read: hold its rows for a second person, or let them in at once."""
        async with self.store.database.transaction() as connection:
            held = await self._locked(connection, import_id)
            if held["status"] not in ("running", "interrupted"):
                raise Conflict(f"the import is {held['status']}; send the file again")
            await self.imports.record_file(connection, import_id, sha256=sha256)
            if self.needs_confirmation:
                await self._sift(connection, held)
                await self.imports.set_status(connection, import_id, "held")
            else:
                await self._admit(connection, held, confirmed_by=None)

    async def confirm(self, import_id: str, *, by: str) -> None:
        """Let a held import in. `Forbidden` to whoever brought it."""
        async with self.store.database.transaction() as connection:
            held = await self._locked(connection, import_id)
            if is_same_person(by, held["imported_by"]):
                raise Forbidden("you brought this import: a second person has to confirm it")
            if held["confirmed_by"] and is_same_person(by, held["confirmed_by"]):
                return
            if held["status"] != "held":
                raise Conflict(f"the import is {held['status']}; only a held one is confirmed")
            await self._admit(connection, held, confirmed_by=by)
        logger.info("import confirmed", import_id=import_id, confirmed_by=by)

    async def recall(self, import_id: str, *, by: str, reason: str) -> None:
        """Take an import out: what it holds is dropped, its labels are in no later version."""
        async with self.store.database.transaction() as connection:
            found = await self._locked(connection, import_id)
            if found["status"] in ("running", "recalled"):
                raise Conflict(f"the import is {found['status']}")
            await drop_held(connection, import_id)
            await self.store.withhold_import(connection, import_id)
            await self.imports.record_recall(connection, import_id, by=by, reason=reason)
        logger.info("import recalled", import_id=import_id, recalled_by=by)

    async def _locked(self, connection: Connection, import_id: str) -> dict[str, Any]:
        """The import, while no other process changes what labels its task has."""
        if (found := await self.imports.read(connection, import_id)) is None:
            raise NotFound(f"no import {import_id!r}")
        await self.store.lock(connection, [found["task"]])
        return await self.imports.read(connection, import_id) or found

    async def _sift(self, connection: Connection, held: dict[str, Any]) -> None:
        import_id = held["import_id"]
        column = get_task(held["task"]).history.claim_column
        sifted = await sift(connection, import_id, claim_column=column)
        await self.imports.refuse(connection, import_id, sifted.refused)
        await self.imports.record_sifted(
            connection, import_id, left=sifted.left, duplicates=sifted.duplicates
        )

    async def _admit(
        self, connection: Connection, held: dict[str, Any], *, confirmed_by: str | None
    ) -> None:
        """Make labels of the rows: all of them, or, if this fails, none."""
        import_id = held["import_id"]
        await self._sift(connection, held)
        await self.imports.record_confirmation(
            connection, import_id, imported_by=held["imported_by"], confirmed_by=confirmed_by
        )
        async for labels in held_labels(connection, import_id):
            await self.store.add(connection, labels, shares=held["splits"], import_id=import_id)
        await drop_held(connection, import_id)
        status = "releasing" if held["release"] else "finished"
        await self.imports.set_status(connection, import_id, status)


def is_same_person(one: str, other: str) -> bool:
    """By their names. A machine is nobody: whoever used its token may be anybody."""
    return one.strip().casefold() == other.strip().casefold()
