"""What we lean on in FastStream and aiokafka that they do not promise to keep.

Each test names one thing and says why there is no public way; it fails at the version that changes
it. pyproject.toml holds both libraries to the minor versions that these tests have seen.
"""

from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, codec
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.record import _crecords
from faststream.kafka import KafkaBroker

from shared.health import Health
from shared.messaging.readers.partition_reader import PartitionReader


async def test_the_brokers_builder_makes_the_consumer_of_each_subscriber() -> None:
    """`Bus` replaces it: FastStream cannot be told to read with another class of consumer."""
    broker = KafkaBroker("127.0.0.1:9", consumer_only=True)
    builder: Any = await broker.connect()
    assert builder is broker.config.broker_config.builder
    assert isinstance(builder, partial)
    assert builder.func is AIOKafkaConsumer

    replaced = partial(PartitionReader, Health(), **builder.keywords)
    broker.config.broker_config.builder = replaced
    assert broker.subscriber("cases", group_id="g", batch=True).builder is replaced


def test_what_connected_tests_break_on_purpose_is_there() -> None:
    """They end the fetcher's task, look at its idle time, and make records that do not unpack:
    the library offers no way to fail."""
    assert "_fetcher" in AIOKafkaConsumer.__init__.__code__.co_names
    assert {"_fetch_task", "_pending_tasks"} <= set(Fetcher.__init__.__code__.co_names)
    assert "_subscription" in AIOKafkaConsumer.__init__.__code__.co_names
    assert isinstance(SubscriptionState.fetcher_idle_time, property)
    assert callable(codec.has_lz4)
    assert callable(_crecords.default_records.lz4_decode)
