"""Dead letters from a terminal: listed, shown and replayed as they were, on a real broker."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from deploy.cli.app import app, console
from deploy.cli.dead_letters import read_dead_letters
from shared.errors import Rejected
from shared.messaging.dead_letters import DeadLetter, dead_letter_record
from shared.messaging.producer import Producer
from shared.messaging.topics import CASES_SUBMITTED
from shared.settings import EngineSettings
from tests.support.builders.events import submitted
from tests.support.engines.topics import events_of

runner = CliRunner()


@pytest.fixture
async def place(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> str:
    """A case that a service could not process, as it lies in the dead letters."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP", settings.kafka_bootstrap)
    event = submitted(f"letter-{time.time_ns()}")
    record = SimpleNamespace(
        topic=CASES_SUBMITTED.name,
        partition=3,
        offset=42,
        key=event.key.encode(),
        value=event.model_dump_json().encode(),
        headers=(("correlation_id", b"abc"), ("odd", b"\xff")),
    )
    letter = DeadLetter.of(record, group="inference", error=Rejected("too odd", field="input"))
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.send([dead_letter_record(letter)])
    await producer.stop()
    kept = [k for k in read_dead_letters([settings.kafka_bootstrap]) if k.letter.key == record.key]
    assert len(kept) == 1
    assert kept[0].letter == letter
    return kept[0].location


@pytest.fixture
async def place_without_content(place: str, settings: EngineSettings) -> str:
    """Another one, of which only the description could be kept."""
    kept = next(k for k in read_dead_letters([settings.kafka_bootstrap]) if k.location == place)
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.send([dead_letter_record(kept.letter.without_content())])
    await producer.stop()
    return f"{kept.partition.topic}/0/{kept.offset + 1}"


def test_list_and_show(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "width", 300)
    listed = runner.invoke(app, ["dlq", "list"])
    shown = runner.invoke(app, ["dlq", "show", place])

    assert place in listed.output
    assert "too odd" in listed.output
    assert "cases.submitted.v1/3/42" in shown.output
    assert "correlation_id: abc" in shown.output
    assert '"task": "adjudication"' in shown.output


async def test_replay_sends_the_record_back_as_it_was(place: str, settings: EngineSettings) -> None:
    key = next(
        k.letter.key for k in read_dead_letters([settings.kafka_bootstrap]) if k.location == place
    )
    assert key is not None
    replayed = runner.invoke(app, ["dlq", "replay", place])
    events = await events_of(
        settings.kafka_bootstrap,
        CASES_SUBMITTED,
        type(submitted()),
        wanted=lambda event: event.case_id == key.decode(),
        count=1,
    )

    assert "1 records replayed" in replayed.output
    assert [event.case_id for event in events] == [key.decode()]


def test_what_is_new_is_replayed_once_and_all_as_often_as_wanted(place: str) -> None:
    first, again = (runner.invoke(app, ["dlq", "replay", "--new"]) for _ in range(2))
    everything = [runner.invoke(app, ["dlq", "replay", "--all"]) for _ in range(2)]

    assert int(first.output.split()[0]) >= 1
    assert again.output == "0 records replayed\n"
    assert int(everything[0].output.split()[0]) >= int(first.output.split()[0])
    assert everything[0].output == everything[1].output


def test_what_was_too_large_to_keep_is_named_and_not_replayed(
    place: str, place_without_content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 300)
    shown = runner.invoke(app, ["dlq", "show", place_without_content])
    replayed = runner.invoke(app, ["dlq", "replay", place, place_without_content])

    assert "too large to keep" in shown.output
    assert "sha256" in shown.output
    assert "lies at cases.submitted.v1/3/42" in shown.output
    assert "1 records replayed" in replayed.output
    assert isinstance(replayed.exception, Rejected)
    assert f"{place_without_content}: the record was too large" in str(replayed.exception)


async def test_a_record_without_key_and_value_is_refused_and_those_after_it_are_not(
    place: str, settings: EngineSettings
) -> None:
    kept = next(k for k in read_dead_letters([settings.kafka_bootstrap]) if k.location == place)
    neither, keyed = (replace(kept.letter, key=key, value=None) for key in (None, b"key"))
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.send([dead_letter_record(neither), dead_letter_record(keyed)])
    await producer.stop()
    topic = kept.partition.topic
    first, second = (f"{topic}/0/{kept.offset + further}" for further in (1, 2))

    replayed = runner.invoke(app, ["dlq", "replay", first, second])

    assert "1 records replayed" in replayed.output
    assert f"{first}: it has neither key nor value" in str(replayed.exception)


def test_a_place_that_is_none(place: str) -> None:
    result = runner.invoke(app, ["dlq", "show", "nowhere/0/0"])

    assert isinstance(result.exception, Rejected)
    assert "dlq list" in str(result.exception)


def test_replay_wants_to_know_what() -> None:
    result = runner.invoke(app, ["dlq", "replay"])

    assert result.exit_code == 2
    assert "--all" in result.output
