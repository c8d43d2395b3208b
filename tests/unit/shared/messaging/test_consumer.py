"""What becomes of each record of a batch, and what the health says meanwhile and afterwards."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.inference.rejections import case_rejected
from shared.errors import Rejected, Transient
from shared.events import CaseRejected, CaseSubmitted
from shared.health import Health
from shared.messaging import consumer
from shared.messaging.consumer import REJECTED_LIMIT, UNEXPECTED_LIMIT, RawRecord, TopicConsumer
from shared.messaging.encoding import Record
from shared.messaging.topics import CASES_REJECTED, CASES_SUBMITTED
from tests.support.builders.events import NOW, submitted
from tests.support.patience import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def _unlogged() -> Iterator[None]:
    with capture_logs():
        yield


@dataclass
class Producer:
    """Keeps what it is given, up to `limit` bytes of value."""

    limit: int = 10**6
    sent: list[Record] = field(default_factory=list)

    async def send(self, records: Sequence[Record]) -> None:
        if any(len(record.value) > self.limit for record in records):
            raise Rejected("too large")
        self.sent += records


@dataclass
class Handler:
    """Handles all cases at once or none; `errors` are those of single cases."""

    errors: dict[str, Exception] = field(default_factory=dict)
    away: list[Exception] = field(default_factory=list)
    handled: Counter[str] = field(default_factory=Counter)

    async def __call__(self, cases: Sequence[CaseSubmitted]) -> None:
        if self.away:
            raise self.away.pop(0)
        for case in cases:
            if case.case_id in self.errors:
                raise self.errors[case.case_id]
        self.handled.update(case.case_id for case in cases)


def consuming(handler: Handler, producer: Producer | None = None) -> Any:
    return TopicConsumer(
        producer or Producer(),  # type: ignore[arg-type]
        "inference",
        Health(),
        CASES_SUBMITTED,
        CaseSubmitted,
        handler,
    )


def record(case_id: str, value: bytes | None = None) -> RawRecord:
    raw: Any = SimpleNamespace(
        topic=CASES_SUBMITTED.name,
        partition=0,
        offset=7,
        key=case_id.encode(),
        value=value or submitted(case_id).model_dump_json().encode(),
        headers=(),
    )
    return raw


@asynccontextmanager
async def processing(
    topic_consumer: TopicConsumer, records: Sequence[RawRecord]
) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(topic_consumer.process(records))
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def comes(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():
            await asyncio.sleep(0.001)


async def test_whoever_sent_a_refused_record_is_told_beside_its_dead_letter() -> None:
    """Of what is refused unread, and of what the handler refuses; of nothing else."""
    handler, producer = Handler({"case-1": Rejected("is odd", field="input")}), Producer()
    refusing = consuming(handler, producer)
    refusing.rejection = partial(case_rejected, now=lambda: NOW)

    await refusing.process([record("case-0"), record("case-1"), record("case-2", b"no case")])

    told = [r.value for r in producer.sent if r.topic == CASES_REJECTED.name]
    assert [CaseRejected.model_validate_json(value).field for value in told] == [None, "input"]
    letters = [r.key for r in producer.sent if r.topic != CASES_REJECTED.name]
    assert letters == [b"case-2", b"case-1"]
    assert handler.handled == Counter(["case-0"])


async def test_the_record_at_fault_is_given_up_and_each_neighbor_handled_once() -> None:
    names = [f"case-{number}" for number in range(7)]
    handler = Handler({"case-2": Rejected("odd"), "case-5": ValueError("a bug")})
    producer = Producer()

    await consuming(handler, producer).process([record(name) for name in names])

    assert handler.handled == Counter(n for n in names if n not in handler.errors)
    assert [letter.key for letter in producer.sent] == [b"case-2", b"case-5"]


@pytest.mark.parametrize("last", [None, Rejected("odd")], ids=["processed", "a dead letter"])
async def test_after_an_outage_the_service_is_ready_whatever_becomes_of_the_record(
    last: Exception | None,
) -> None:
    topic_consumer = consuming(Handler({"case-1": last} if last else {}, away=[Transient("away")]))

    await topic_consumer.process([record("case-1")])

    assert topic_consumer.health.is_ready


async def test_a_letter_that_is_too_large_goes_without_its_content() -> None:
    handler, producer = Handler(), Producer(limit=1000)

    await consuming(handler, producer).process([record("a"), record("b", b"x" * 1001), record("c")])

    assert [letter.key for letter in producer.sent] == [b"b"]
    assert producer.sent[0].headers["dead_letter_not_kept"].startswith("1001 bytes, sha256 ")
    assert handler.handled == Counter("ac")


async def test_while_no_letter_is_taken_at_all_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "_LONGEST_WAIT_SECONDS", 0.001)
    producer = Producer(limit=-1)
    topic_consumer = consuming(Handler(), producer)
    async with processing(topic_consumer, [record("b", b"no case")]) as task:
        await comes(lambda: not topic_consumer.health.is_ready)
        producer.limit = 1000
        await asyncio.wait_for(task, PATIENCE_SECONDS)

    assert len(producer.sent) == 1


async def test_when_everything_fails_consumption_stops_until_it_no_longer_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer, "_LONGEST_WAIT_SECONDS", 0.001)
    names = [f"case-{number}" for number in range(2 * UNEXPECTED_LIMIT)]
    handler = Handler(dict.fromkeys(names, ValueError("quotes a member")))
    producer = Producer()
    topic_consumer = consuming(handler, producer)
    async with processing(topic_consumer, [record(name) for name in names]) as task:
        await comes(lambda: not topic_consumer.health.is_ready)
        reason = topic_consumer.health.reasons[topic_consumer.part]
        handler.errors = {}
        await asyncio.wait_for(task, PATIENCE_SECONDS)

    assert "ValueError" in reason
    assert "member" not in reason
    assert len(producer.sent) == UNEXPECTED_LIMIT
    assert handler.handled == Counter(names[UNEXPECTED_LIMIT:])
    assert topic_consumer.health.is_ready


async def test_too_many_dead_letters_in_a_row_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "_LONGEST_WAIT_SECONDS", 0.001)
    producer = Producer()
    topic_consumer = consuming(Handler(), producer)
    async with processing(topic_consumer, [record("b", b"no case")] * (REJECTED_LIMIT + 1)):
        await comes(lambda: not topic_consumer.health.is_ready)

    assert len(producer.sent) == REJECTED_LIMIT
