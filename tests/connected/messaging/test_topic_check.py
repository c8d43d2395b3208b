"""A service does not start on topics that would lose or hide what is sent."""

import asyncio
from collections.abc import Iterator

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.topic_check import UnsuitableTopics, check_topics
from shared.messaging.topics import ROLLOUTS_CHANGED, create_topics
from shared.settings import EngineSettings, engine_settings
from tests.support.engines.lifecycle import own_engines


@pytest.fixture
def platform() -> Iterator[EngineSettings]:
    """A Kafka on which a platform team has made the state topic, as it makes all of them."""
    with own_engines() as engines:
        settings = engine_settings(engines.environment)
        client = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap.split(","))
        client.create_topics([NewTopic(ROLLOUTS_CHANGED.name, num_partitions=3)])
        client.close()
        yield settings


async def test_a_state_in_three_partitions_is_refused(platform: EngineSettings) -> None:
    bus = Bus(platform, service="inference", health=Health())

    with pytest.raises(UnsuitableTopics) as missing:
        await bus.start()
    await asyncio.to_thread(create_topics, platform.kafka_bootstrap)
    with pytest.raises(UnsuitableTopics) as wrong:
        await bus.start()
    check_topics(platform.kafka_bootstrap, service="trainer")  # whom the state does not concern

    assert "cases.submitted.v1 is missing" in str(missing.value)
    faults = str(wrong.value).splitlines()
    assert len(faults) == 2
    assert all(fault.startswith(ROLLOUTS_CHANGED.name) for fault in faults)
    assert "has 3 partitions and must have 1" in faults[0]
    assert "kafka-topics.sh --delete" in faults[0]
    assert "cleanup.policy=delete and needs compact" in faults[1]
