"""Whether the topics that a service uses are as it needs them; a wrong one is refused at the start.

Somebody else may have made them. A state in several partitions would reach nobody, a compacted work
topic loses cases, a short retention loses evidence: nothing of that shows while the service runs.
"""

from collections.abc import Iterator, Mapping, Sequence

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from shared.errors import Transient
from shared.messaging.topics import RequiredTopic, required_topics

# Of a topic that does not say, by Kafka's documentation. Brokers leave out what nobody has set.
_DEFAULTS = {
    "cleanup.policy": "delete",
    "max.message.bytes": "1048588",
    "retention.ms": str(7 * 24 * 60 * 60 * 1000),
    "retention.bytes": "-1",
}


class UnsuitableTopics(RuntimeError):
    """Topics are missing or not as they must be; the message says what to do about each."""


def check_topics(bootstrap: str, *, service: str) -> None:
    """Raise `UnsuitableTopics` unless all that the service reads and writes is as it needs it."""
    required = required_topics(service)
    try:
        partitions, configs = _described(bootstrap, required) if required else ({}, {})
    except KafkaError as error:
        raise Transient(f"Kafka does not describe its topics: {type(error).__name__}") from error
    faults = [
        fault
        for topic in required
        for fault in find_faults(topic, partitions.get(topic.name), configs.get(topic.name, {}))
    ]
    if faults:
        raise UnsuitableTopics("\n".join(faults))


def find_faults(
    topic: RequiredTopic, partitions: int | None, config: Mapping[str, str]
) -> Iterator[str]:
    """What is wrong with a topic, each with its remedy. `partitions` is None if it is missing."""
    if partitions is None:
        yield f"{topic.name} is missing: create it with `caseloop topics`"
        return
    if topic.partitions == 1 and partitions != 1:
        yield (
            f"{topic.name} has {partitions} partitions and must have 1: stop the services, delete "
            f"it (kafka-topics.sh --delete --topic {topic.name}) and run `caseloop topics`"
        )
    actual = {**_DEFAULTS, **config}
    for name, wanted in topic.config.items():
        if not _suffices(name, actual[name], wanted):
            yield _changed(topic.name, name, actual[name], wanted)
    if "retention.ms" in topic.config and int(actual["retention.bytes"]) != -1:
        yield _changed(topic.name, "retention.bytes", actual["retention.bytes"], "-1")


def _suffices(name: str, actual: str, wanted: str) -> bool:
    if name == "cleanup.policy":
        return actual == wanted
    return actual == "-1" or int(actual) >= int(wanted)


def _changed(topic: str, name: str, actual: str, wanted: str) -> str:
    return (
        f"{topic} has {name}={actual} and needs {wanted}: kafka-configs.sh --alter --entity-type "
        f"topics --entity-name {topic} --add-config {name}={wanted}"
    )


def _described(
    bootstrap: str, topics: Sequence[RequiredTopic]
) -> tuple[Mapping[str, int], Mapping[str, Mapping[str, str]]]:
    """Each topic's number of partitions and its settings, of those that exist."""
    client = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id="caseloop-topics")
    try:
        existing = set(client.list_topics())
        names = [topic.name for topic in topics if topic.name in existing]
        if not names:
            return {}, {}
        partitions = {
            found["name"]: len(found["partitions"]) for found in client.describe_topics(names)
        }
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        answer = client.describe_configs(resources, config_filter="all")
        configs = {
            name: {key: data["value"] for key, data in settings.items()}
            for name, settings in answer["topic"].items()
        }
        return partitions, configs
    finally:
        client.close()
