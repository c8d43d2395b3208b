from datetime import timedelta

import pytest

from services.review_queue.reviews import ROOM_FOR_OPINIONS_BYTES, check, place_of, priority_of
from shared.errors import Rejected
from shared.topics import RECORD_LIMIT_BYTES
from tests.support.builders import NOW, case
from tests.support.requests import requested

AGAIN = requested(case=case(attempt=2))
ORDINARY = requested()
AUDIT = requested(reason="audit")


def test_a_claim_that_comes_back_goes_first_and_an_audit_last() -> None:
    assert [priority_of(request) for request in (AGAIN, ORDINARY, AUDIT)] == [1, 2, 3]
    assert place_of(AGAIN) < place_of(ORDINARY) < place_of(AUDIT)


def test_nothing_waits_for_ever() -> None:
    later = requested(case=case(attempt=2), occurred_at=NOW + timedelta(hours=25))

    assert place_of(AUDIT) < place_of(later)


def test_a_review_that_could_not_be_completed_is_refused() -> None:
    limit = RECORD_LIMIT_BYTES - ROOM_FOR_OPINIONS_BYTES
    base = requested()
    room = limit - len(base.model_dump_json())
    fits = base.model_copy(update={"routing_version": base.routing_version + "x" * room})
    check(fits)

    with pytest.raises(Rejected, match="bytes"):
        check(fits.model_copy(update={"routing_version": fits.routing_version + "x"}))


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(Rejected, match="no task"):
        check(requested(case=case(task="astrology")))
