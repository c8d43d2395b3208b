"""Releases happen when they are due, once, whole or not at all; what was released never changes."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.dataset_accumulator.releasing import releaser as releaser_module
from services.dataset_accumulator.releasing.releaser import Releaser
from shared.errors import Rejected, Transient
from shared.events import ArtifactRef, DatasetReleased
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.database import Connection
from shared.storage.datasets import SPLITS, Tombstone, manifest_uri, read_manifest
from shared.tasks import get_task
from shared.tasks.task import Task
from tests.connected.dataset_accumulator.harness import Accumulator
from tests.support.builders.announcements import record_of
from tests.support.builders.reviews import corrected
from tests.support.patience import PATIENCE_SECONDS

TASK = "adjudication"
RELEASES = "SELECT number, trigger, new_labels FROM dataset_accumulator.releases ORDER BY number"


async def test_enough_training_labels_make_one_release(accumulator: Accumulator) -> None:
    """The threshold is 3."""
    await accumulator.review("held-1", "held-2", "held-3", split="test")
    await accumulator.review("a", "b")
    assert await accumulator.releaser.release_at_threshold(TASK) is None

    await accumulator.review("c")
    released = await accumulator.releaser.release_at_threshold(TASK)

    assert released is not None
    assert (released.dataset_version, released.trigger) == ("adjudication-d1", "labels:1")
    assert released.new_labels == 6
    assert released.counts["train"] == {"APPROVED": 3, "DENIED": 0, "PENDING": 0}
    assert released.counts["test"]["APPROVED"] == 3
    assert await accumulator.events() == [released]
    assert sorted(found.case_id for found in accumulator.examples(released)) == [
        *("a", "b", "c"),
        *("held-1", "held-2", "held-3"),
    ]
    assert await accumulator.releaser.release_at_threshold(TASK) is None


def stored(artifacts: Artifacts, released: DatasetReleased, **changes: Any) -> ArtifactRef:
    """The manifest of another version, which differs in these fields."""
    manifest = read_manifest(artifacts, released.manifest).model_copy(update=changes)
    content = manifest.model_dump_json().encode()
    sha256 = hashlib.sha256(content).hexdigest()
    return artifacts.put(manifest_uri(manifest.task, manifest.number, sha256), content)


async def test_numbers_go_on_above_what_was_announced_before_a_restore(
    accumulator: Accumulator, second: Accumulator
) -> None:
    """The restored tables know the first version; the topic knows one that was made after it."""
    await accumulator.review("a", "b", "c")
    first = await accumulator.releaser.release_at_threshold(TASK)
    assert first is not None
    seven = {"number": 7, "dataset_version": f"{TASK}-d7"}
    lost = first.model_copy(
        update={**seven, "manifest": stored(second.releaser.artifacts, first, **seven)}
    )
    other = lost.model_copy(update={"task": "independent_review", "number": 40})
    forged = lost.model_copy(update={"number": 2**31 - 2, "dataset_version": f"{TASK}-d2147483646"})
    for released in (first, other, lost, forged, first):
        await second.releaser.announced.take(record_of(released))
    await accumulator.review("d", "e", "f")

    after = await second.releaser.release_at_threshold(TASK)

    assert after is not None
    assert (after.dataset_version, after.trigger) == ("adjudication-d8", "labels:8")
    assert after.new_labels == 3
    assert {found.case_id for found in second.examples(after)} == {*"abcdef"}


async def test_nothing_is_released_before_the_announced_numbers_are_known(
    accumulator: Accumulator,
) -> None:
    accumulator.releaser.announced.read.clear()
    await accumulator.review("a", "b", "c")
    releasing = asyncio.create_task(accumulator.releaser.release_by_hand(TASK, trigger="hand"))
    other = accumulator.releaser.unreleased(TASK)

    assert await other == {"train": 3}  # and nobody else waits for it
    assert await accumulator.events() == []
    accumulator.releaser.announced.read.set()
    released = await releasing
    assert released is not None
    assert released.number == 1


async def test_a_version_holds_what_was_released_before_unchanged(
    accumulator: Accumulator,
) -> None:
    await accumulator.review("a", "b", "c")
    await accumulator.review("held", split="test", reason="audit", inclusion_probability=0.1)
    first = await accumulator.releaser.release_at_threshold(TASK)
    before = accumulator.manifest(first)
    await accumulator.review("d", "e", "f", label="DENIED")
    second = await accumulator.releaser.release_at_threshold(TASK)

    after = accumulator.manifest(second)

    assert accumulator.manifest(first) == before
    assert after.shards["train"][:1] == before.shards["train"]
    assert after.shards["test"] == before.shards["test"]
    assert len(after.shards["train"]) == 2
    assert [found.case_id for found in accumulator.examples(second)] == [*"abcdef", "held"]
    assert after.counts["train"] == {"APPROVED": 3, "DENIED": 3, "PENDING": 0}
    assert after.reasons == {"low_confidence": 6, "audit": 1}
    assert (after.number, after.labels) == (2, ("APPROVED", "DENIED", "PENDING"))
    assert {found.inclusion_probability for found in accumulator.examples(second)} == {0.1, 1.0}


async def test_a_corrected_label_is_released_again_with_a_tombstone(
    accumulator: Accumulator,
) -> None:
    await accumulator.review("a", "b", "c")
    first = await accumulator.releaser.release_at_threshold(TASK)
    await accumulator.handlers.decisions_corrected([corrected("b"), corrected("b", revision=2)])
    second = await accumulator.releaser.release_by_hand(TASK, trigger="manual:test:1")

    manifest = accumulator.manifest(second)

    assert manifest.tombstones == (Tombstone(case_id="b", revision=2),)
    assert manifest.counts["train"] == {"APPROVED": 2, "DENIED": 1, "PENDING": 0}
    assert manifest.reasons == {"low_confidence": 3}
    assert {
        found.case_id: (found.label, found.revision) for found in accumulator.examples(second)
    } == {"a": ("APPROVED", 0), "b": ("DENIED", 2), "c": ("APPROVED", 0)}
    assert len(accumulator.examples(first)) == 3


async def test_what_was_approved_in_part_is_marked_until_it_is_corrected(
    accumulator: Accumulator,
) -> None:
    await accumulator.review("a", "b", approved_amount=20.0)
    await accumulator.review("c")
    first = await accumulator.releaser.release_at_threshold(TASK)
    whole, part = corrected("b", label="APPROVED"), corrected("c", label="APPROVED")
    await accumulator.handlers.decisions_corrected(
        [whole, part.model_copy(update={"approved_amount": 20.0})]
    )
    second = await accumulator.releaser.release_by_hand(TASK, trigger="manual:test:1")

    marked = [
        {found.case_id for found in accumulator.examples(version) if found.in_part}
        for version in (first, second)
    ]
    assert marked == [{"a", "b"}, {"a", "c"}]


async def test_a_label_corrected_before_its_release_appears_once(accumulator: Accumulator) -> None:
    await accumulator.handlers.decisions_corrected([corrected("b")])
    await accumulator.review("a", "b", "c")

    released = await accumulator.releaser.release_at_threshold(TASK)

    assert accumulator.manifest(released).tombstones == ()
    assert accumulator.manifest(released).counts["train"] == {
        "APPROVED": 2,
        "DENIED": 1,
        "PENDING": 0,
    }
    assert len(accumulator.examples(released)) == 3


async def test_two_processes_at_once_release_once(
    accumulator: Accumulator, second: Accumulator
) -> None:
    await accumulator.review("a", "b", "c", "d")

    found = await asyncio.gather(
        *(process.releaser.release_at_threshold(TASK) for process in (accumulator, second) * 4)
    )

    assert sum(released is not None for released in found) == 1
    assert len(await accumulator.events()) == 1
    assert await accumulator.fetch(RELEASES) == [
        {"number": 1, "trigger": "labels:1", "new_labels": 4}
    ]


async def test_the_same_order_by_hand_twice_is_one_release(
    accumulator: Accumulator, second: Accumulator
) -> None:
    await accumulator.review("a")

    found = await asyncio.gather(
        *(p.releaser.release_by_hand(TASK, trigger="manual:op:k") for p in (accumulator, second))
    )
    await accumulator.review("b")
    again = await accumulator.releaser.release_by_hand(TASK, trigger="manual:op:k")

    assert found[0] == found[1] == again
    assert len(await accumulator.events()) == 1
    assert (
        await accumulator.releaser.release_by_hand("independent_review", trigger="manual:op:k")
        is None
    )


async def test_slots_missed_in_a_downtime_are_caught_up_once(
    accumulator: Accumulator, second: Accumulator
) -> None:
    """The minimum is 2. The clock starts on a Monday, the schedule is Sunday 03:00."""
    await accumulator.review("a", "b")
    assert await accumulator.releaser.release_on_schedule(TASK) is None
    assert await accumulator.releaser.release_on_schedule(TASK) is None
    for process in (accumulator, second):
        process.clock.forward(weeks=3)

    found = await asyncio.gather(
        *(process.releaser.release_on_schedule(TASK) for process in (accumulator, second) * 2)
    )

    assert [released.trigger for released in found if released] == ["schedule:2026-03-22T03:00"]
    await accumulator.review("c", "d")
    assert await accumulator.releaser.release_on_schedule(TASK) is None
    accumulator.clock.now = datetime(2026, 3, 29, 3, 0, tzinfo=UTC)
    again = await accumulator.releaser.release_on_schedule(TASK)
    assert again is not None
    assert again.trigger == "schedule:2026-03-29T03:00"


async def test_a_process_that_comes_late_to_a_slot_leaves_it(
    accumulator: Accumulator, second: Accumulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It saw that the slot was due, then another one dealt with it, then more labels came."""
    await accumulator.releaser.release_on_schedule(TASK)
    await accumulator.review("a", "b")
    for process in (accumulator, second):
        process.clock.forward(weeks=1)
    waits, goes_on = asyncio.Event(), asyncio.Event()
    lock = second.releaser.releases.lock

    async def late(connection: Connection, task: str) -> None:
        waits.set()
        await goes_on.wait()
        await lock(connection, task)

    monkeypatch.setattr(second.releaser.releases, "lock", late)
    release = asyncio.create_task(second.releaser.release_on_schedule(TASK))
    await waits.wait()
    assert await accumulator.releaser.release_on_schedule(TASK) is not None
    await accumulator.review("c", "d")
    goes_on.set()

    assert await release is None
    assert len(await accumulator.events()) == 1


async def test_a_slot_with_too_few_labels_passes(accumulator: Accumulator) -> None:
    """And labels that come after it wait for the next slot."""
    await accumulator.releaser.release_on_schedule(TASK)
    await accumulator.review("a")
    await accumulator.review("held-1", "held-2", split="test")
    accumulator.clock.forward(weeks=1)
    assert await accumulator.releaser.release_on_schedule(TASK) is None

    await accumulator.review("b")

    assert await accumulator.releaser.release_on_schedule(TASK) is None
    accumulator.clock.forward(weeks=1)
    assert await accumulator.releaser.release_on_schedule(TASK) is not None


async def test_while_storage_is_away_nothing_is_released_by_half(
    accumulator: Accumulator,
) -> None:
    await accumulator.releaser.release_on_schedule(TASK)
    await accumulator.review("a", "b", "c")
    accumulator.clock.forward(weeks=1)
    nowhere = Artifacts(EngineSettings.model_validate({"s3_endpoint": "127.0.0.1:9"}))
    broken: Releaser = replace(accumulator.releaser, artifacts=nowhere)

    for release in (broken.release_at_threshold(TASK), broken.release_on_schedule(TASK)):
        with pytest.raises(Transient, match="object storage is unavailable"):
            await release

    assert await accumulator.fetch(RELEASES) == []
    assert await accumulator.events() == []
    released = await accumulator.releaser.release_on_schedule(TASK)
    assert released is not None
    assert (released.number, released.new_labels) == (1, 3)


@pytest.mark.parametrize("stage", ["mark_released", "record"])
async def test_labels_that_come_during_a_release_are_in_the_next(
    accumulator: Accumulator, second: Accumulator, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Between the reading of labels and their mark, and between that and the commit."""
    await accumulator.review("a", "b", "c")
    await accumulator.handlers.decisions_corrected([corrected("b")])
    entered, leave = asyncio.Event(), asyncio.Event()
    owner = (
        accumulator.releaser.labels if stage == "mark_released" else accumulator.releaser.releases
    )
    original = getattr(owner, stage)

    async def slow(*arguments: object, **named: object) -> None:
        entered.set()
        await leave.wait()
        await original(*arguments, **named)

    monkeypatch.setattr(owner, stage, slow)
    release = asyncio.create_task(accumulator.releaser.release_at_threshold(TASK))
    await entered.wait()
    await second.review("d")
    correction = asyncio.create_task(
        second.handlers.decisions_corrected([corrected("b", revision=2, label="PENDING")])
    )
    await asyncio.wait([correction], timeout=0.3)  # it waits for the release, or is done
    leave.set()
    first = await release
    await correction
    after = await accumulator.releaser.release_by_hand(TASK, trigger="manual:test:1")

    released = [{e.case_id: e.label for e in accumulator.examples(v)} for v in (first, after)]
    assert released == [
        {"a": "APPROVED", "b": "DENIED", "c": "APPROVED"},
        {"a": "APPROVED", "b": "PENDING", "c": "APPROVED", "d": "APPROVED"},
    ]


async def test_after_a_change_of_the_prompt_everything_is_written_anew(
    accumulator: Accumulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accumulator.review("a", "b", "c")
    await accumulator.handlers.decisions_corrected([corrected("b")])
    first = await accumulator.releaser.release_at_threshold(TASK)
    reworded = replace(get_task(TASK), prompt_version="adjudication-next")

    def changed(name: str) -> Task:
        return reworded if name == TASK else get_task(name)

    monkeypatch.setattr(releaser_module, "get_task", changed)
    await accumulator.review("d")
    second = await accumulator.releaser.release_by_hand(TASK, trigger="manual:test:1")

    manifest = accumulator.manifest(second)

    assert manifest.prompt_version == "adjudication-next"
    assert sum(len(manifest.shards[split]) for split in SPLITS) == 1
    assert [found.case_id for found in accumulator.examples(second)] == [*"abcd"]
    assert manifest.counts["train"] == {"APPROVED": 3, "DENIED": 1, "PENDING": 0}
    assert accumulator.manifest(first).prompt_version != "adjudication-next"


async def test_a_label_that_cannot_be_written_stops_its_task_visibly(
    accumulator: Accumulator,
) -> None:
    await accumulator.review("a", "b", "c")
    await accumulator.fetch("UPDATE dataset_accumulator.labels SET input = '{}' WHERE case_id='b'")

    with pytest.raises(Rejected, match="label of a case cannot be written"):
        await accumulator.releaser.release_at_threshold(TASK)

    running = asyncio.create_task(accumulator.releaser.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not accumulator.releaser.health.alerts:
            await asyncio.sleep(0.05)
    running.cancel()
    assert "a case cannot be written" in accumulator.releaser.health.alerts["release adjudication"]
