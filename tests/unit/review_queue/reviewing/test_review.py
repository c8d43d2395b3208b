from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args

import pytest

from services.review_queue.api.assignment_schemas import Submission
from services.review_queue.reviewing.opinions import GivenOpinion, review_completed
from services.review_queue.reviewing.review import (
    ROOM_FOR_OPINIONS_BYTES,
    Shares,
    check_reviewable,
    listed_reason,
    priority_of,
    queue_rank_of,
)
from shared.errors import Rejected
from shared.events import Opinion, ReviewRequested, RouteReason
from shared.messaging.encoding import encode
from shared.messaging.topics import RECORD_LIMIT_BYTES
from tests.support.builders.assignments import assignment
from tests.support.builders.events import NOW, case
from tests.support.builders.requests import requested
from tests.support.draw_key import KEY

AGAIN = requested(case=case(attempt=2))
ORDINARY = requested()
AUDIT = requested(reason="audit")


def test_a_claim_that_comes_back_goes_first_and_an_audit_like_any_other() -> None:
    requests = (AGAIN, ORDINARY, AUDIT)
    assert [priority_of(request) for request in requests] == [1, 2, 2]
    assert rank(AGAIN) < rank(ORDINARY) == rank(AUDIT)


def test_every_audit_is_blind() -> None:
    never = Shares(overlap=0.0, blind=0.0)
    assert never.is_blind(AUDIT, KEY)
    assert not never.is_blind(ORDINARY, KEY)


def rank(request: ReviewRequested) -> datetime:
    return queue_rank_of(request, priority_of(request))


@pytest.mark.parametrize("hidden", [{"blind": True}, {"model_visible": False}])
def test_nothing_in_line_tells_a_reason_that_is_hidden(hidden: dict[str, bool]) -> None:
    visible, blind = hidden.get("model_visible", True), hidden.get("blind", False)
    requests = [requested(reason=reason, model_visible=visible) for reason in get_args(RouteReason)]

    assert {listed_reason(each, blind=blind) for each in requests} == {"blind"}
    assert {priority_of(each) for each in requests} == {2}
    assert listed_reason(AUDIT, blind=False) == "audit"


def test_who_has_not_committed_themselves_is_shown_neither_reason_nor_answer() -> None:
    """And never, where the model's answer is hidden altogether."""
    blind = replace(assignment(requested(reason="audit")), blind=True, label_before=None)
    committed = replace(blind, label_before="DENIED")
    hidden = replace(committed, request=requested(reason="audit", model_visible=False))

    assert (blind.reason, blind.answer) == (None, None)
    assert (committed.reason, committed.answer) == ("audit", committed.request.answer)
    assert (hidden.reason, hidden.answer) == (None, None)


def test_nothing_waits_for_ever() -> None:
    later = requested(case=case(attempt=2), occurred_at=NOW + timedelta(hours=25))

    assert rank(AUDIT) < rank(later)


def test_a_review_that_could_not_be_completed_is_refused() -> None:
    limit = RECORD_LIMIT_BYTES - ROOM_FOR_OPINIONS_BYTES
    base = requested()
    room = limit - len(base.model_dump_json())
    fits = base.model_copy(update={"routing_version": base.routing_version + "x" * room})
    check_reviewable(fits)

    with pytest.raises(Rejected, match="bytes"):
        check_reviewable(fits.model_copy(update={"routing_version": fits.routing_version + "x"}))


def test_whatever_is_written_fits_the_record_of_the_completed_review() -> None:
    """Else one case would hold up the settlement of all."""
    widest = "\U0001f9b5"  # four bytes
    body = Submission.model_validate(
        {
            "token": 1,
            "label": "DENIED",
            "reasoning": widest * 4000,
            "reason_code": "EXCLUDED",
            "clinical_basis": widest * 4000,
            "criterion": {
                "source": widest * 200,
                "version": widest * 200,
                "effective_date": widest * 200,
                "text": widest * 4000,
            },
            "panels": ['"' * 80] * 50,
        }
    )
    opinion = Opinion(
        reviewer="r" * 64,
        label_before="DENIED",
        decided_at=NOW,
        dwell_seconds=1e6 / 3,
        panels=tuple(body.panels),
        **{name: value for name, value in vars(body.answer()).items() if name != "approved_amount"},
    )
    given = [GivenOpinion("final", body.answer(), opinion)] * 4
    request = requested()
    room = RECORD_LIMIT_BYTES - ROOM_FOR_OPINIONS_BYTES - len(request.model_dump_json())
    largest = request.model_copy(update={"routing_version": "test" + "x" * room})
    check_reviewable(largest)

    done = review_completed(largest, given[0], given, blind=True, at=NOW)

    assert len(encode(done, source="review_queue").value) > RECORD_LIMIT_BYTES - 2**15


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(Rejected, match="no such task"):
        check_reviewable(requested(case=case(task="astrology")))
