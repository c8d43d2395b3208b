"""Releases dataset versions: at a number of new labels, by the calendar, after an import, by hand.

A version is one transaction under a lock of its task: its labels are marked, its row and its
event are written, or nothing of it exists. Objects that a failed attempt left behind have names
that nobody knows.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from services.dataset_accumulator.importing.import_store import Imports
from services.dataset_accumulator.releasing.dataset_writer import DatasetWriter, dataset_version
from services.dataset_accumulator.releasing.release_store import Releases
from services.dataset_accumulator.releasing.renewal import renew_contents
from services.dataset_accumulator.releasing.schedule import Schedule
from services.dataset_accumulator.releasing.waiting_labels import WaitingLabels
from services.dataset_accumulator.store import Store
from shared.errors import Rejected
from shared.events import DatasetReleased
from shared.health import Health
from shared.messaging.readers.announced import Announced
from shared.storage.artifacts import Artifacts, in_thread
from shared.storage.database import Connection
from shared.storage.datasets import DatasetManifest, read_manifest, refuse_unreleased
from shared.tasks import TASKS, get_task
from shared.tasks.task import Task
from shared.telemetry import logger

_IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class ReleaseSettings:
    """When a release is due; both numbers count new labels of the split `train`."""

    threshold: int
    schedule: Schedule
    minimum: int


@dataclass
class Releaser:
    store: Store
    labels: WaitingLabels
    releases: Releases
    imports: Imports
    announced: Announced[DatasetReleased]
    artifacts: Artifacts
    health: Health
    settings: ReleaseSettings
    now: Callable[[], datetime]

    async def run(self) -> None:
        """Release what is due, forever. Any number of processes may do so."""
        while True:
            for task in TASKS:
                await self._release_due(task)
            await asyncio.sleep(_IDLE_SECONDS)

    async def _release_due(self, task: str) -> None:
        """A label that cannot be written holds up its task, visibly, and no other."""
        try:
            for import_id in await self.imports.releasing(task):
                await self.release_after_import(task, import_id)
            await self.release_on_schedule(task)
            await self.release_at_threshold(task)
        except Rejected as error:
            self.health.alert(f"release {task}", str(error))
            logger.error("release failed", task=task, reason=str(error))
        else:
            self.health.clear_alert(f"release {task}")

    async def release_at_threshold(self, task: str) -> DatasetReleased | None:
        """Release if enough training labels are new."""
        async with self.releases.database.transaction() as connection:
            if not await self._enough_labels(connection, task, self.settings.threshold):
                return None
        async with self._exclusive(task) as connection:
            if not await self._enough_labels(connection, task, self.settings.threshold):
                return None
            number = await self._number(connection, task)
            return await self._write_version(connection, task, trigger=f"labels:{number}")

    async def release_on_schedule(self, task: str) -> DatasetReleased | None:
        """Release if a slot of the schedule has come, once, however many were missed."""
        slot = self.settings.schedule.latest(self.now())
        async with self.releases.database.transaction() as connection:
            last = await self.releases.last_slot(connection, task)
            if last is not None and last >= slot:
                return None
        async with self._exclusive(task) as connection:
            if not await self.releases.take_slot(connection, task, slot):
                return None
            if not await self._enough_labels(connection, task, self.settings.minimum):
                return None
            return await self._write_version(
                connection, task, trigger=f"schedule:{slot:%Y-%m-%dT%H:%M}"
            )

    async def release_after_import(self, task: str, import_id: str) -> None:
        """Release what an import brought, if that is still to be done."""
        async with self._exclusive(task) as connection:
            if await self.imports.is_releasing(connection, import_id):
                released = await self._write_version(
                    connection, task, trigger=f"import:{import_id}"
                )
                version = released.dataset_version if released else None
                await self.imports.finish(connection, import_id, dataset_version=version)

    async def release_by_hand(self, task: str, *, trigger: str) -> DatasetReleased | None:
        """Release what waits, once for each trigger; None if no label waits."""
        async with self._exclusive(task) as connection:
            known = await self.releases.by_trigger(connection, task, trigger)
            return known or await self._write_version(connection, task, trigger=trigger)

    async def unreleased(self, task: str) -> dict[str, int]:
        """How many labels wait, by split."""
        async with self.releases.database.transaction() as connection:
            return await self.labels.count_by_split(connection, task)

    async def counted(self, task: str) -> dict[str, int]:
        """How many labels there are, by source."""
        async with self.releases.database.transaction() as connection:
            return await self.labels.count(connection, task)

    async def withheld(self, task: str) -> dict[str, int]:
        """How many labels no version may have, by reason."""
        async with self.releases.database.transaction() as connection:
            return await self.labels.count_withheld(connection, task)

    async def _enough_labels(self, connection: Connection, task: str, labels: int) -> bool:
        """Whether so many training labels are new."""
        counts = await self.labels.count_by_split(connection, task)
        return counts.get("train", 0) >= labels

    @asynccontextmanager
    async def _exclusive(self, task: str) -> AsyncIterator[Connection]:
        await renew_contents(self.store, get_task(task))
        await self.announced.numbers(task)  # not waited for with the lock in hand
        async with self.releases.database.transaction() as connection:
            await self.releases.lock(connection, task)
            yield connection

    async def _write_version(
        self, connection: Connection, name: str, *, trigger: str
    ) -> DatasetReleased | None:
        """Write the next version of the task from what waits; None if nothing does."""
        task = get_task(name)
        base = await self._base_version(connection, task)
        number = await self._number(connection, name)
        at = self.now()
        with TemporaryDirectory(prefix="caseloop-release-") as directory:
            before = await self.releases.newest_imports(connection, name) if base else {}
            writer = DatasetWriter(task, base, Path(directory), imports=before)
            await self._write_labels(connection, writer)
            if writer.new_labels + writer.dropped_labels == 0:
                return None
            sources = await self.labels.sources(connection, list(writer.imports))
            upload = partial(writer.upload, number=number, trigger=trigger, at=at)
            manifest = await in_thread(upload, self.artifacts, sources)
        released = DatasetReleased(
            occurred_at=at,
            task=name,
            dataset_version=dataset_version(name, number),
            number=number,
            trigger=trigger,
            manifest=manifest,
            counts=writer.counts,
            new_labels=writer.new_labels,
        )
        await self.releases.record(connection, released, imports=writer.imports)
        logger.info("released", version=released.dataset_version, new=released.new_labels)
        return released

    async def _number(self, connection: Connection, task: str) -> int:
        """The next version's number: above all that the tables know, and all that was announced."""
        known = await self.releases.number(connection, task)
        above = sorted(n for n in await self.announced.numbers(task) if n >= known)
        genuine = [number for number in above if await self._was_released(task, number)]
        return max([known, *(number + 1 for number in genuine)])

    async def _was_released(self, task: str, number: int) -> bool:
        """Whether object storage holds a version of the number. Anybody might announce one."""
        for announced in self.announced.of_number(task, number):
            try:
                await in_thread(refuse_unreleased, self.artifacts, announced)
            except Rejected as error:
                logger.warning("no such release", number=number, reason=str(error))
            else:
                return True
        return False

    async def _write_labels(self, connection: Connection, writer: DatasetWriter) -> None:
        async for labels in self.labels.read(connection, writer.task.name):
            of_imports = {label.import_id for label in labels if label.import_id}
            sources = await self.labels.sources(connection, sorted(of_imports))
            await in_thread(writer.add, labels, sources)
            await self.labels.mark_released(connection, labels)

    async def _base_version(self, connection: Connection, task: Task) -> DatasetManifest | None:
        """The version to build on. When the task's prompt has changed, everything is rewritten:
        a model must be trained on the text that it will be asked with."""
        newest = await self.releases.newest(connection, task.name)
        if newest is None:
            return None
        base = await in_thread(read_manifest, self.artifacts, newest.manifest)
        if base.prompt_version == task.prompt_version:
            return base
        await self.labels.forget_releases(connection, task.name)
        return None
