"""What the list of topics promises."""

import pytest

from shared.messaging.topics import (
    CASES_SUBMITTED,
    DECISIONS_CORRECTED,
    DECISIONS_MADE,
    PREDICTIONS_MADE,
    REVIEWS_COMPLETED,
    REVIEWS_REQUESTED,
    Topic,
)

EXPLAINS = (CASES_SUBMITTED, PREDICTIONS_MADE, REVIEWS_REQUESTED, REVIEWS_COMPLETED)


@pytest.mark.parametrize("topic", EXPLAINS, ids=lambda topic: topic.name)
def test_what_explains_a_decision_is_kept_as_long_as_the_decision(topic: Topic) -> None:
    decisions = max(DECISIONS_MADE.retention_days, DECISIONS_CORRECTED.retention_days)

    assert topic.retention_days >= decisions
