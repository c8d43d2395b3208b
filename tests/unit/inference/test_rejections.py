"""A refused record tells its sender which case it was and why, and repeats nothing of it."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from services.inference.intake import case_of
from services.inference.rejections import case_rejected
from shared.errors import Rejected
from shared.events import CaseRejected, CaseSubmitted
from shared.messaging.encoding import decode, encode
from tests.support.builders.events import NOW, claim_input, submitted

MEMBER = "M-0815-SECRET"


@dataclass(frozen=True)
class Sent:
    """A record as the consumer hands it over."""

    value: bytes | None
    key: bytes | None = None
    partition: int = 3
    offset: int = 17


def told(value: bytes | None, error: Exception, *, key: bytes | None = None) -> CaseRejected:
    return case_rejected(Sent(value, key), error, now=lambda: NOW)


def refusal(value: bytes) -> CaseRejected:
    with pytest.raises(Rejected) as refused:
        case_of(decode(value, CaseSubmitted))
    return told(value, refused.value)


def record(**changes: Any) -> bytes:
    content = {**submitted("case-9", input=claim_input(member_id=MEMBER)).model_dump(mode="json")}
    return json.dumps({**content, **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"task": MEMBER}, "task"),
        ({"attempt": MEMBER}, "attempt"),
        ({"claim_id": MEMBER}, "claim_id"),
        ({"input": {**claim_input(), "billed_amount": MEMBER}}, "input.billed_amount"),
        ({"input": {**claim_input(), "diagnosis_codes": [MEMBER]}}, "input.diagnosis_codes.0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_sender_reads_the_field_and_the_reason_of_its_case(
    changes: dict[str, Any], field: str
) -> None:
    rejected = refusal(record(**changes))
    assert (rejected.case_id, rejected.key, rejected.field) == ("case-9", "case-9", field)
    assert rejected.reason
    assert MEMBER.encode() not in encode(rejected, source="inference").value


@pytest.mark.parametrize("value", [None, b"", b"not json", b"[1]", b'{"case_id": "no id at all!"}'])
def test_without_a_case_id_the_records_own_key_is_the_key(value: bytes | None) -> None:
    why = Rejected("the record has no value")
    assert told(value, why, key=b"claim-77").key == "claim-77"
    for key in (None, b"", b"\xff\xfe", b"a member's name"):
        assert told(value, why, key=key).key == "3/17"


def test_a_redelivery_makes_the_same_event() -> None:
    error = Rejected("is no case")
    assert told(b"{}", error).event_id == told(b"{}", error).event_id


def test_an_error_that_nobody_expected_is_told_by_its_name_alone() -> None:
    rejected = told(record(), ValueError(MEMBER))
    assert (rejected.reason, rejected.field) == ("ValueError", None)
