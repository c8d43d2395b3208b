"""A topic that somebody else made is refused where it would lose or hide what is sent, with the
remedy; one that keeps more than we need is welcome."""

from collections.abc import Mapping

import pytest

from shared.messaging.topic_check import find_faults
from shared.messaging.topics import (
    CASES_SUBMITTED,
    ROLLOUTS_CHANGED,
    RequiredTopic,
    required_topics,
)

STATE, WORK = ROLLOUTS_CHANGED.required, CASES_SUBMITTED.required
LETTERS = next(t for t in required_topics("inference") if t.name.endswith(".dlq"))


@pytest.mark.parametrize("topic", required_topics(), ids=lambda topic: topic.name)
def test_what_we_make_ourselves_is_right(topic: RequiredTopic) -> None:
    assert list(find_faults(topic, topic.partitions, topic.config)) == []


@pytest.mark.parametrize(
    ("topic", "partitions", "config", "said"),
    [
        (STATE, None, {}, "is missing: create it with `caseloop topics`"),
        (STATE, 3, {}, "has 3 partitions and must have 1"),
        (LETTERS, 2, {}, "has 2 partitions and must have 1"),
        (STATE, 1, {"cleanup.policy": "delete"}, "cleanup.policy=delete and needs compact"),
        (STATE, 1, {"cleanup.policy": "compact,delete"}, "needs compact: kafka-configs.sh"),
        (WORK, 12, {"cleanup.policy": "compact"}, "cleanup.policy=compact and needs delete"),
        (WORK, 12, {"max.message.bytes": "1000"}, "max.message.bytes=1000 and needs 1048576"),
        (WORK, 12, {"retention.ms": "604800000"}, "retention.ms=604800000 and needs"),
        (WORK, 12, {"retention.bytes": "1000000"}, "retention.bytes=1000000 and needs -1"),
        (LETTERS, 1, {"max.message.bytes": "1048588"}, "needs 2097152"),
    ],
)
def test_a_wrong_topic_is_refused_with_its_remedy(
    topic: RequiredTopic, partitions: int | None, config: Mapping[str, str], said: str
) -> None:
    (fault,) = find_faults(topic, partitions, {**topic.config, **config})

    assert fault.startswith(topic.name)
    assert said in fault


def test_settings_that_nobody_made_are_kafkas_own() -> None:
    assert len(list(find_faults(STATE, 1, {}))) == 1  # the policy
    assert [f for f in find_faults(WORK, 12, {}) if "retention.ms=604800000" in f]


@pytest.mark.parametrize(
    "config",
    [{"retention.ms": "-1"}, {"retention.ms": "99999999999"}, {"max.message.bytes": "9999999"}],
)
def test_more_than_we_need_is_welcome(config: Mapping[str, str]) -> None:
    assert list(find_faults(WORK, 24, {**WORK.config, **config})) == []


def test_a_service_is_asked_for_its_own_topics_only() -> None:
    names = {topic.name for topic in required_topics("inference")}

    assert {"cases.submitted.v1", "cases.submitted.v1.inference.dlq", STATE.name} < names
    assert "datasets.released.v1" not in names
