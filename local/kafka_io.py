"""Kafka clients as the local parts use them: every partition, no group protocol, a broker watched.

One process reads one topic here, so partitions are assigned, not negotiated: a part that was
killed goes on at once, where a consumer group would first wait for its session to time out.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from typing import Any

from kafka import (
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    TopicPartition,
)

from local.errors import NotRunningError, UsageError
from margin.topics import CATALOGUE

FETCH_WAIT_MS = 100
BOOTSTRAP_MS = 10_000
WATCH_EVERY_S = 0.5
GONE_AFTER_S = 10.0


def assigned_consumer(servers: str, topics: Iterable[str], group_id: str | None = None) -> Any:
    """A consumer of all partitions of the topics, at the committed offsets or the earliest ones.

    Raises UsageError for a topic that does not exist.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        group_id=group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        bootstrap_timeout_ms=BOOTSTRAP_MS,
    )
    partitions = []
    for topic in topics:
        found = consumer.partitions_for_topic(topic)
        if not found:
            consumer.close()
            raise UsageError(f"topic {topic} does not exist on {servers}")
        partitions += [TopicPartition(topic, number) for number in sorted(found)]
    consumer.assign(partitions)
    return consumer


def acknowledged_producer(servers: str) -> Any:
    return KafkaProducer(bootstrap_servers=servers, acks="all", bootstrap_timeout_ms=BOOTSTRAP_MS)


def next_offset(offset: int) -> Any:
    """What is committed where the record at `offset` is the next one to read."""
    return OffsetAndMetadata(offset, "", -1)


def missing_topics(servers: str) -> set[str]:
    """Topics of the catalogue that the broker lacks; all of them where nothing listens."""
    wanted = {topic.name for topic in CATALOGUE}
    if not answers(servers):
        return wanted
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        return wanted - set(admin.list_topics())
    finally:
        admin.close()


def answers(servers: str) -> bool:
    """Whether something listens there."""
    host, port = servers.split(",")[0].rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


class BrokerWatch:
    """Tells a broker that went away for good from one that has nothing to say.

    A Kafka client retries in silence for ever; a part of a demo should rather end and say so.
    """

    def __init__(self, servers: str, gone_after_s: float = GONE_AFTER_S) -> None:
        host, port = servers.split(",")[0].rsplit(":", 1)
        self._servers, self._address, self._gone_after_s = servers, (host, int(port)), gone_after_s
        self._last_seen = self._last_look = time.monotonic()

    def check(self) -> None:
        """Cheap to call often. Raises NotRunningError once nothing answered for the whole time."""
        now = time.monotonic()
        if now - self._last_look < WATCH_EVERY_S:
            return
        self._last_look = now
        try:
            socket.create_connection(self._address, 1).close()
            self._last_seen = now
        except OSError as error:
            if now - self._last_seen >= self._gone_after_s:
                raise NotRunningError(
                    f"Kafka at {self._servers} has not answered for {self._gone_after_s:g} s"
                ) from error
