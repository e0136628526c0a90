"""Makes the topics of the catalogue on a cluster, and keeps them as the catalogue says.

A custom resource of CloudFormation. Nothing is taken away: a topic that left the catalogue stays,
and at a deletion all of them go with their cluster.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from functions.adapters.kafka_topics import KafkaTopics
from functions.errors import TopicError
from margin.topics import CATALOGUE, Topic

RESOURCE_ID = "topics"
CLEANUP, RETENTION = "cleanup.policy", "retention.ms"


class Topics(Protocol):
    """What is asked of a cluster."""

    def partitions(self) -> dict[str, int]: ...
    def configs(self, topics: Iterable[str], names: Iterable[str]) -> dict[str, dict[str, str]]: ...
    def create(self, requests: Mapping[str, Mapping[str, object]]) -> None: ...
    def grow(self, partitions: Mapping[str, int]) -> None: ...
    def configure(self, configs: Mapping[str, Mapping[str, str]]) -> None: ...


def apply_catalogue(topics: Topics, catalogue: Iterable[Topic] = CATALOGUE) -> dict[str, Any]:
    """Create what is missing, in one request; then grow and set what differs.

    Names of what was created, grown and set. TopicError where a topic has more partitions than
    the catalogue, or keeps its records in another way: Kafka can change neither.
    """
    wanted = {topic.name: topic for topic in catalogue}
    found = topics.partitions()
    missing = {name: request(topic) for name, topic in wanted.items() if name not in found}
    if missing:
        topics.create(missing)
    there = [topic for name, topic in wanted.items() if name in found]
    grown = {topic.name: topic.partitions for topic in there if is_smaller(topic, found)}
    if grown:
        topics.grow(grown)
    changed = _changed(topics, there)
    if changed:
        topics.configure(changed)
    return {"created": sorted(missing), "grown": sorted(grown), "set": sorted(changed)}


def is_smaller(topic: Topic, found: Mapping[str, int]) -> bool:
    """Whether it needs partitions more. Fewer cannot be had: keys would move and lose order."""
    has = found[topic.name]
    if has > topic.partitions:
        raise TopicError(
            f"{topic.name} should have {topic.partitions} partitions but has {has}: "
            "raise the catalogue's number, or make the cluster anew"
        )
    return has < topic.partitions


def _changed(topics: Topics, there: list[Topic]) -> dict[str, dict[str, str]]:
    """The retention of those that keep by time; how a topic keeps is set when it is made."""
    found = topics.configs([topic.name for topic in there], (CLEANUP, RETENTION)) if there else {}
    for topic in there:
        expected = "compact" if topic.compacted else "delete"
        if (policy := found[topic.name][CLEANUP]) != expected:
            raise TopicError(
                f"{topic.name} should have {CLEANUP} {expected} but has {policy}: "
                "make the cluster anew, this is fixed when a topic is created"
            )
    return {
        topic.name: {RETENTION: str(topic.retention_ms)}
        for topic in there
        if not topic.compacted and found[topic.name][RETENTION] != str(topic.retention_ms)
    }


def request(topic: Topic) -> dict[str, object]:
    """What a cluster is asked for. It knows best how many copies to keep: -1."""
    kept = {CLEANUP: "compact"} if topic.compacted else {RETENTION: str(topic.retention_ms)}
    return {"num_partitions": topic.partitions, "replication_factor": -1, "configs": kept}


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """CloudFormation's Create, Update or Delete, by way of the CDK's provider."""
    if event["RequestType"] == "Delete":
        return {"PhysicalResourceId": event["PhysicalResourceId"]}
    topics = KafkaTopics(event["ResourceProperties"]["Bootstrap"], "iam")
    try:
        apply_catalogue(topics)
    finally:
        topics.close()
    return {"PhysicalResourceId": RESOURCE_ID}
