"""Either transport as tests use it: a line, and whatever its own clients show of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from local.kafka_io import next_offset
from local.lines import KafkaLine, KinesisLine, Line
from local.streams import create_streams

NUMBERS = itertools.count(1)


class LinesRoom:
    """A line of its own for each test over Kinesis; over Kafka the topics are shared."""

    def __init__(self, servers: str | None, endpoint: str) -> None:
        """Over Kafka where servers are given, else over streams of a new prefix."""
        self.endpoint = endpoint
        self.mark = f"t{next(NUMBERS)}"
        if servers is None:
            create_streams(endpoint, self.mark)
        self.line: Line = (
            KinesisLine(endpoint, self.mark) if servers is None else KafkaLine(servers)
        )

    def key(self, name: str) -> str:
        """A key that no other test uses."""
        return f"{self.mark}-{name}"

    def all(self, channel: str, keys: Sequence[str] | None = None) -> list[Any]:
        """Every record of the channel, of these keys only, partition by partition."""
        consumer = self.line.consumer([channel])
        try:
            found = [record for records in drained(consumer) for record in records]
        finally:
            consumer.close()
        wanted = None if keys is None else {key.encode() for key in keys}
        return [record for record in found if wanted is None or record.key in wanted]


def drained(consumer: Any, max_records: int = 500) -> Iterator[list[Any]]:
    """Poll to the end that the channel has now; records by partition."""
    ends = consumer.end_offsets(list(consumer.assignment()))
    while any(consumer.position(place) < end for place, end in ends.items()):
        yield from consumer.poll(timeout_ms=100, max_records=max_records).values()


def commit_after(consumer: Any, record: Any) -> None:
    """The group goes on behind this record."""
    (place,) = [p for p in consumer.assignment() if p[:2] == (record.topic, record.partition)]
    consumer.commit({place: next_offset(record.offset + 1)})
