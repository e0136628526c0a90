"""Kinesis streams on the emulator: all of the catalogue made, and records put into them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from functions.adapters.streams import put
from local.emulator import aws_client
from local.errors import TimedOutError
from margin.channels import partition_of, stream_name
from margin.ordered_put import Entry, Placed
from margin.topics import CATALOGUE, KEPT, Topic

POLL_EVERY_S = 0.1
ACTIVE_AFTER_S = 60.0
HOUR_MS = 60 * 60 * 1000
DEFAULT_RETENTION_HOURS, LONGEST_RETENTION_HOURS = 24, 8760
AWAY = (ConnectionError, HTTPClientError)


def retention_hours(topic: Topic) -> int:
    """As long as Kafka would keep it; a stream keeps nothing for longer than a year.

    >>> retention_hours(CATALOGUE[0])
    168
    """
    if topic.retention_ms == KEPT:
        return LONGEST_RETENTION_HOURS
    return max(DEFAULT_RETENTION_HOURS, topic.retention_ms // HOUR_MS)


def create_streams(endpoint: str, prefix: str, topics: Iterable[Topic] = CATALOGUE) -> None:
    """Make what is not there and return when all can be used."""
    kinesis = aws_client(endpoint, "kinesis")
    names = {stream_name(prefix, topic.name): topic for topic in topics}
    for name, topic in names.items():
        try:
            kinesis.create_stream(StreamName=name, ShardCount=topic.partitions)
        except kinesis.exceptions.ResourceInUseException:
            continue
        _until_active(kinesis, name)
        hours = retention_hours(topic)
        if hours > DEFAULT_RETENTION_HOURS:
            kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)


def missing_streams(endpoint: str, prefix: str) -> set[str]:
    """Streams of the catalogue that are not there; all of them where nothing answers."""
    wanted = {stream_name(prefix, topic.name) for topic in CATALOGUE}
    kinesis = aws_client(endpoint, "kinesis", retries=0)
    try:
        pages = kinesis.get_paginator("list_streams").paginate()
        return wanted - {name for page in pages for name in page["StreamNames"]}
    except (*AWAY, ClientError):
        return wanted


class Streams:
    """All streams of the catalogue on an emulator; they stand where a broker stands."""

    child = None

    def __init__(self, endpoint: str, prefix: str) -> None:
        self.endpoint, self.prefix = endpoint, prefix

    def start(self, timeout_s: float = 60) -> None:
        """Return once the emulator answers; it is started elsewhere."""
        kinesis = aws_client(self.endpoint, "kinesis", retries=0)
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                kinesis.list_streams(Limit=1)
            except AWAY as error:
                if time.monotonic() > deadline:
                    raise TimedOutError(
                        f"Kinesis at {self.endpoint} did not answer within {timeout_s:g} s"
                    ) from error
                time.sleep(POLL_EVERY_S)
            else:
                return

    def create_topics(self) -> None:
        create_streams(self.endpoint, self.prefix)

    def stop(self, grace_s: float = 0) -> None:
        """Nothing: they end with the emulator."""


class StreamProducer:
    """Sends one record after the other, with the words of Kafka's producer."""

    def __init__(self, endpoint: str, prefix: str) -> None:
        self._kinesis, self._prefix = aws_client(endpoint, "kinesis"), prefix

    def send(self, topic: str, *, key: bytes, value: bytes) -> Sent:
        """Return once the stream has it."""
        (placed,) = self.put(topic, [Entry(key=key.decode(), value=value)])
        return Sent(placed)

    def put(self, channel: str, entries: Sequence[Entry]) -> tuple[Placed, ...]:
        return put(self._kinesis, stream_name(self._prefix, channel), entries)

    def close(self, timeout: float | None = None) -> None:
        """Nothing is kept open."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A record that is there: what Kafka's producer gives a future for."""

    placed: Placed

    def get(self, timeout: float | None = None) -> Placed:
        return self.placed


def place_name(channel: str, key: str) -> str:
    """How the stream names the partition of a key among its inputs."""
    return f"{channel}-{partition_of(channel, key)}"


def _until_active(kinesis: Any, stream: str) -> None:
    deadline = time.monotonic() + ACTIVE_AFTER_S
    while True:
        found = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        if found["StreamStatus"] == "ACTIVE":
            return
        if time.monotonic() > deadline:
            raise TimedOutError(f"stream {stream} is {found['StreamStatus']} for too long")
        time.sleep(POLL_EVERY_S)
