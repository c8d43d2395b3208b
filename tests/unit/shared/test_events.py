"""Events keep their identity over redelivery, and records keep within their limits."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.confidence_filter.settings import Settings as FilterSettings
from services.promoter.settings import Settings as PromoterSettings
from shared.errors import Rejected
from shared.events import CaseSubmitted, PredictionMade, RolloutChanged
from shared.messaging.encoding import decode, encode
from shared.messaging.topics import RECORD_LIMIT_BYTES, TOPICS
from shared.tasks.task import content_hash
from tests.support.builders.events import NOW, decision, predicted, rollout, submitted
from tests.support.builders.requests import requested
from tests.support.builders.reviews import completed


def test_a_redelivery_has_the_same_event_id() -> None:
    again = predicted(confidence=0.5, occurred_at=NOW + timedelta(days=1))

    assert predicted().event_id == again.event_id
    assert predicted("case-2").event_id != again.event_id


def test_revisions_have_ids_of_their_own() -> None:
    assert rollout(revision=1).event_id != rollout(revision=2).event_id


def test_an_event_survives_the_wire_and_unknown_fields() -> None:
    record = encode(predicted(), source="test")
    extended = record.value[:-1] + b',"added_later": 1}'

    assert decode(extended, PredictionMade) == predicted()
    assert record.headers["ce_id"] == str(predicted().event_id)
    assert record.key == b"case-1"


@pytest.mark.parametrize("probability", [0.0, 1e-9, 0.00099, 1.01, float("nan")])
def test_no_label_stands_for_more_than_a_thousand_cases(probability: float) -> None:
    """A weight of a billion decided every measure."""
    for event in (decision, requested, completed):
        with pytest.raises(ValidationError) as refused:
            event(inclusion_probability=probability)
        assert [e["loc"] for e in refused.value.errors()] == [("inclusion_probability",)]
    with pytest.raises(ValidationError, match="arm_probability"):
        predicted(arm_probability=probability)


def test_a_share_that_would_be_too_unlikely_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONFIDENCE_FILTER_AUDIT_RATE", "0.0001")
    monkeypatch.setenv("PROMOTER_CANARY_SHARE", "0.9999")
    with pytest.raises(ValidationError, match="audit_rate"):
        FilterSettings()
    with pytest.raises(ValidationError, match="canary_share"):
        PromoterSettings()


def test_a_forged_event_id_is_not_believed() -> None:
    value = submitted().model_dump_json().replace(str(submitted().event_id), "0" * 36)

    assert decode(value.encode(), CaseSubmitted).event_id == submitted().event_id


def test_a_bad_record_names_the_field_and_not_the_content() -> None:
    value = submitted().model_dump_json().replace('"case-1"', '"se cret"').encode()

    with pytest.raises(Rejected, match="case_id") as caught:
        decode(value, CaseSubmitted)
    assert "se cret" not in str(caught.value)


@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"{", b"[]", b"null"])
def test_what_is_no_event_is_rejected(value: bytes | None) -> None:
    with pytest.raises(Rejected):
        decode(value, RolloutChanged)


def test_a_record_larger_than_its_topic_takes_is_refused_before_it_is_sent() -> None:
    large = submitted(input={"clinical_note": "x" * RECORD_LIMIT_BYTES})

    with pytest.raises(Rejected, match="bytes"):
        encode(large, source="test")


def test_numbers_that_no_json_reader_must_know_are_refused() -> None:
    with pytest.raises(Rejected, match="64-bit"):
        content_hash("adjudication", {"amount": 2**64})
    with pytest.raises(ValidationError, match="less than or equal to 1000"):
        submitted(attempt=2**64)


def test_every_topic_is_listed_once_and_keyed() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert len({topic.event for topic in TOPICS}) == len(TOPICS)
