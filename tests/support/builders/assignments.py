"""A leased seat of a review, ordinary unless a test says otherwise."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from services.review_queue.reviewing.review import Assignment
from shared.events import ReviewRequested
from tests.support.builders.events import NOW


def assignment(request: ReviewRequested, **changes: Any) -> Assignment:
    seat = Assignment(
        assignment_id=UUID(int=1),
        token=1,
        state="leased",
        kind="first",
        leased_at=NOW,
        lease_expires_at=NOW,
        label_before=None,
        blind=False,
        request=request,
    )
    return replace(seat, **changes)
