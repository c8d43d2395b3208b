"""Any record that a topic takes fits into a dead letter, and comes out as it was."""

from hashlib import sha256
from types import SimpleNamespace

import pytest

from shared.errors import Rejected
from shared.messaging.dead_letters import DeadLetter, dead_letter_record
from shared.messaging.topics import CASES_SUBMITTED, DEAD_LETTER_LIMIT_BYTES, RECORD_LIMIT_BYTES


@pytest.mark.parametrize("in_headers", [0.0, 0.5, 1.0])
def test_the_largest_record_fits(in_headers: float) -> None:
    headers = round(in_headers * RECORD_LIMIT_BYTES)
    record = SimpleNamespace(
        topic=CASES_SUBMITTED.name,
        partition=1,
        offset=2,
        key=b"key",
        value=b"\x00" * (RECORD_LIMIT_BYTES - headers),
        headers=[("odd", b"\xff" * headers)],
    )
    letter = DeadLetter.of(record, group="inference", error=Rejected("x" * 5000))
    sent = dead_letter_record(letter)
    raw = {name: text.encode() for name, text in sent.headers.items()}
    size = len(sent.key) + len(sent.value) + sum(len(n) + len(v) for n, v in raw.items())
    assert size < DEAD_LETTER_LIMIT_BYTES - 1024
    assert DeadLetter.read(sent.key, sent.value, raw) == letter


def test_a_record_that_does_not_fit_is_described_instead() -> None:
    huge = b"\x00" * 2 * DEAD_LETTER_LIMIT_BYTES
    record = SimpleNamespace(
        topic=CASES_SUBMITTED.name,
        partition=1,
        offset=2,
        key=huge,
        value=huge,
        headers=[("odd", huge)],
    )
    letter = DeadLetter.of(record, group="inference", error=Rejected("\ud800")).without_content()
    sent = dead_letter_record(letter)
    raw = {name: text.encode() for name, text in sent.headers.items()}

    assert sum(map(len, (sent.key, sent.value, *raw.values()))) < 4096
    read = DeadLetter.read(sent.key, sent.value, raw)
    assert (read.topic, read.partition, read.offset) == (CASES_SUBMITTED.name, 1, 2)
    assert read.not_kept == f"{len(huge)} bytes, sha256 {sha256(huge).hexdigest()}"


@pytest.mark.parametrize("key", [None, b"", b"key"])
@pytest.mark.parametrize("value", [None, b"", b"value"])
def test_null_and_empty_stay_what_they_are(key: bytes | None, value: bytes | None) -> None:
    record = SimpleNamespace(
        topic=CASES_SUBMITTED.name, partition=1, offset=2, key=key, value=value, headers=[]
    )
    letter = DeadLetter.of(record, group="inference", error=Rejected("no"))
    sent = dead_letter_record(letter)
    raw = {name: text.encode() for name, text in sent.headers.items()}

    assert DeadLetter.read(sent.key, sent.value, raw) == letter
