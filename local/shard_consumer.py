"""Reads Kinesis streams in the words of Kafka's consumer: shards like partitions, positions kept.

An offset is a sequence number; the next offset, as with Kafka, is one more. Shards are listed once:
nothing here splits or merges them while it runs.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kafka import TopicPartition

from local.emulator import aws_client
from local.errors import NotRunningError, UsageError
from local.kafka_io import GONE_AFTER_S
from local.streams import AWAY, POLL_EVERY_S
from margin.channels import shard_number, stream_name

LARGEST_READ = 10_000
# The emulator's sequence numbers have leading zeros and compare as text; those of AWS have more
# digits than this, and none.
DIGITS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRecord:
    """One record, with the names that Kafka's have. `offset` is its sequence number."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    arrived_at: datetime
    shard_id: str
    stream: str


@dataclass(slots=True, kw_only=True)
class _Shard:
    """Where one shard is read next; the iterator is asked for when there is none."""

    stream: str
    shard_id: str
    next_offset: int = 0
    iterator: str | None = None


class ShardConsumer:
    """Reads all shards of the channels, from the positions of `group` or from the beginning."""

    def __init__(
        self,
        endpoint: str,
        prefix: str,
        channels: Iterable[str],
        group: str | None = None,
        gone_after_s: float = GONE_AFTER_S,
    ) -> None:
        """Raises UsageError for a channel that has no stream."""
        self._endpoint, self._gone_after_s = endpoint, gone_after_s
        self._kinesis = aws_client(endpoint, "kinesis", read_timeout_s=20, retries=0)
        self._positions = Positions(endpoint, prefix, group) if group is not None else None
        self._shards: dict[Any, _Shard] = {}
        for channel in channels:
            stream = stream_name(prefix, channel)
            for shard_id in _shard_ids(self._kinesis, stream):
                place = TopicPartition(channel, shard_number(shard_id))
                self._shards[place] = _Shard(stream=stream, shard_id=shard_id)
        for place, offset in (self._positions.read() if self._positions else {}).items():
            if place in self._shards:
                self._shards[place].next_offset = offset
        self._order = list(self._shards)
        self._answered_at = time.monotonic()

    def assignment(self) -> set[Any]:
        return set(self._shards)

    def position(self, place: Any) -> int:
        return self._shards[place].next_offset

    def seek_to_beginning(self, *places: Any) -> None:
        for place in places or self._shards:
            self._shards[place].next_offset, self._shards[place].iterator = 0, None

    def seek_to_end(self, *places: Any) -> None:
        for place in places or self._shards:
            shard = self._shards[place]
            shard.iterator = self._iterator(shard, {"ShardIteratorType": "LATEST"})

    def end_offsets(self, places: Iterable[Any]) -> dict[Any, int]:
        """Where each shard ends now. Only reading tells: it is read once to its end."""
        return {place: self._end(self._shards[place]) for place in places}

    def poll(
        self, timeout_ms: int = 0, max_records: int = LARGEST_READ
    ) -> dict[Any, list[StreamRecord]]:
        """What is new; empty where nothing came in time. NotRunningError where nobody answers."""
        deadline = time.monotonic() + timeout_ms / 1000
        while True:
            found = self._poll_once(max_records)
            left_s = deadline - time.monotonic()
            if found or left_s <= 0:
                return found
            time.sleep(min(POLL_EVERY_S, left_s))

    def commit(self, offsets: Mapping[Any, Any]) -> None:
        """Keep where the group goes on, by Kafka's OffsetAndMetadata."""
        if self._positions is not None:
            self._positions.write({place: where.offset for place, where in offsets.items()})

    def close(self, autocommit: bool = False, timeout_ms: int = 0) -> None:
        """Nothing is kept open."""

    def _poll_once(self, max_records: int) -> dict[Any, list[StreamRecord]]:
        found: dict[Any, list[StreamRecord]] = {}
        left = max_records
        for place in list(self._order):
            records = self._read(place, min(left, LARGEST_READ))
            if records:
                found[place] = records
                left -= len(records)
                self._order.remove(place)  # the others come first next time
                self._order.append(place)
            if left <= 0:
                break
        return found

    def _read(self, place: Any, limit: int) -> list[StreamRecord]:
        shard = self._shards[place]
        try:
            answer = self._get(shard, limit)
        except AWAY as error:
            if time.monotonic() - self._answered_at >= self._gone_after_s:
                raise NotRunningError(
                    f"Kinesis at {self._endpoint} has not answered for {self._gone_after_s:g} s"
                ) from error
            return []
        self._answered_at = time.monotonic()
        shard.iterator = answer.get("NextShardIterator")
        records = [_record(place, shard, found) for found in answer["Records"]]
        if records:
            shard.next_offset = records[-1].offset + 1
        return records

    def _get(self, shard: _Shard, limit: int) -> Any:
        for _ in range(2):
            if shard.iterator is None:
                shard.iterator = self._iterator(shard, start_at(shard.next_offset))
            try:
                return self._kinesis.get_records(ShardIterator=shard.iterator, Limit=limit)
            except self._kinesis.exceptions.ExpiredIteratorException:
                shard.iterator = None
        raise NotRunningError(f"Kinesis at {self._endpoint} gives iterators that have expired")

    def _end(self, shard: _Shard) -> int:
        end, iterator = shard.next_offset, self._iterator(shard, start_at(shard.next_offset))
        while True:
            answer = self._kinesis.get_records(ShardIterator=iterator, Limit=LARGEST_READ)
            if answer["Records"]:
                end = int(answer["Records"][-1]["SequenceNumber"]) + 1
            elif answer["MillisBehindLatest"] == 0:
                return end
            iterator = answer["NextShardIterator"]

    def _iterator(self, shard: _Shard, where: Mapping[str, str]) -> str:
        answer = self._kinesis.get_shard_iterator(
            StreamName=shard.stream, ShardId=shard.shard_id, **where
        )
        iterator: str = answer["ShardIterator"]
        return iterator


class Positions:
    """Where a reader goes on, by channel and shard: rows of a table, beside the streams."""

    def __init__(self, endpoint: str, prefix: str, group: str) -> None:
        self._table, self._group = f"{prefix}-positions", group
        self._dynamodb = aws_client(endpoint, "dynamodb")
        # It may have been made by another reader, or in an earlier run.
        with contextlib.suppress(self._dynamodb.exceptions.ResourceInUseException):
            self._dynamodb.create_table(
                TableName=self._table,
                KeySchema=[
                    {"AttributeName": "reader", "KeyType": "HASH"},
                    {"AttributeName": "place", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": name, "AttributeType": "S"} for name in ("reader", "place")
                ],
                BillingMode="PAY_PER_REQUEST",
            )

    def read(self) -> dict[Any, int]:
        answer = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="reader = :reader",
            ExpressionAttributeValues={":reader": {"S": self._group}},
            ConsistentRead=True,
        )
        found = {}
        for row in answer["Items"]:
            channel, _, partition = row["place"]["S"].rpartition("-")
            found[TopicPartition(channel, int(partition))] = int(row["next_offset"]["S"])
        return found

    def write(self, offsets: Mapping[Any, int]) -> None:
        for place, offset in offsets.items():
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "reader": {"S": self._group},
                    "place": {"S": f"{place.topic}-{place.partition}"},
                    "next_offset": {"S": str(offset)},
                },
            )


def start_at(next_offset: int) -> dict[str, str]:
    """Where an iterator starts so that `next_offset` is the first that can come.

    >>> start_at(0)
    {'ShardIteratorType': 'TRIM_HORIZON'}
    """
    if next_offset == 0:
        return {"ShardIteratorType": "TRIM_HORIZON"}
    return {
        "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
        "StartingSequenceNumber": str(next_offset - 1).zfill(DIGITS),
    }


def _record(place: Any, shard: _Shard, found: Mapping[str, Any]) -> StreamRecord:
    return StreamRecord(
        topic=place.topic,
        partition=place.partition,
        offset=int(found["SequenceNumber"]),
        key=found["PartitionKey"].encode(),
        value=found["Data"],
        arrived_at=found["ApproximateArrivalTimestamp"],
        shard_id=shard.shard_id,
        stream=shard.stream,
    )


def _shard_ids(kinesis: Any, stream: str) -> Iterator[str]:
    try:
        for page in kinesis.get_paginator("list_shards").paginate(StreamName=stream):
            yield from (shard["ShardId"] for shard in page["Shards"])
    except kinesis.exceptions.ResourceNotFoundException as error:
        raise UsageError(f"stream {stream} does not exist") from error
