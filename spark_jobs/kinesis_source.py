"""Kinesis as a Spark source in Python: the columns and options of EMR's `aws-kinesis` connector.

It stands in where that connector is not: offline, over an emulator. Other than the connector it
takes several streams at once, with commas. Its offset is the last sequence number of each shard.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.types import StructType

from spark_jobs.kinesis_client import kinesis_client

NAME: Final = "marginwatch-kinesis"
SCHEMA_DDL: Final = (
    "data binary, streamName string, partitionKey string, sequenceNumber string, "
    "approximateArrivalTimestamp timestamp"
)
SCHEMA: Final = pa.schema(
    [
        ("data", pa.binary()),
        ("streamName", pa.string()),
        ("partitionKey", pa.string()),
        ("sequenceNumber", pa.string()),
        ("approximateArrivalTimestamp", pa.timestamp("us", tz="UTC")),
    ]
)
# Kinesis answers five reads a second of a shard; each batch is read twice, to know its end first.
POLL_EVERY_S: Final = 0.25
NOT_READ: Final = ""  # the offset of a shard before its first record

# By stream and shard, "stream/shardId": the last sequence number used.
Ends = dict[str, str]


class KinesisSource(DataSource):
    """Options: kinesis.streamName, kinesis.region, kinesis.endpointUrl."""

    @classmethod
    def name(cls) -> str:
        return NAME

    def schema(self) -> str:
        return SCHEMA_DDL

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:  # noqa: N802  PySpark's
        return KinesisReader(
            streams=self.options["kinesis.streamName"].split(","),
            region=self.options["kinesis.region"],
            endpoint=self.options["kinesis.endpointUrl"],
        )


@dataclass(frozen=True, slots=True)
class ShardRange:
    """Records of one shard: after one sequence number, up to and with another."""

    stream: str
    shard_id: str
    after: str
    until: str


@dataclass
class Ranges(InputPartition):
    """What one task reads. One is enough offline, and each task needs a Python process."""

    ranges: list[ShardRange]


class KinesisReader(DataSourceStreamReader):
    """One lives in the planner and knows how far it has looked; copies in tasks only `read`."""

    def __init__(self, *, streams: Sequence[str], region: str, endpoint: str) -> None:
        self._streams, self._region, self._endpoint = streams, region, endpoint
        self._ends: Ends | None = None
        self._iterators: dict[str, str] = {}
        self._polled_at = 0.0

    def initialOffset(self) -> Ends:  # noqa: N802  PySpark's name
        return {
            f"{stream}/{shard['ShardId']}": NOT_READ
            for stream in self._streams
            for shard in _shards(self._client, stream)
        }

    def latestOffset(self) -> Ends:  # noqa: N802
        """The end of every shard. After a restart it looks from the beginning once: the end can
        only be learned by reading, and must never be before what a checkpoint holds."""
        if self._ends is None:
            self._ends = self.initialOffset()
            while self._look():
                pass
        else:
            time.sleep(max(0.0, self._polled_at + POLL_EVERY_S - time.monotonic()))
            self._look()
        self._polled_at = time.monotonic()
        return dict(self._ends)

    def partitions(self, start: Ends, end: Ends) -> Sequence[InputPartition]:
        """One task for all shards that have something new."""
        self._begin_at(end)
        found: list[ShardRange] = []
        for name, until in end.items():
            after, (stream, shard_id) = start.get(name, NOT_READ), name.split("/")
            if until not in (NOT_READ, after):
                found.append(ShardRange(stream, shard_id, after, until))
        return [Ranges(found)] if found else []

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        assert isinstance(partition, Ranges)
        for wanted in partition.ranges:
            for records in _up_to(self._client, wanted):
                yield _batch(wanted.stream, records)

    def commit(self, end: Ends) -> None:
        self._begin_at(end)

    @property
    def _client(self) -> Any:
        return kinesis_client(self._region, self._endpoint)

    def _begin_at(self, end: Ends) -> None:
        """A restart tells here what was used before it is asked what is new."""
        if self._ends is None:
            self._ends = dict(end)

    def _look(self) -> bool:
        """One read of every shard; whether any had something."""
        assert self._ends is not None
        found = False
        for name, end in self._ends.items():
            stream, shard_id = name.split("/")
            iterator = self._iterators.get(name) or _iterator(self._client, stream, shard_id, end)
            answer = _records(self._client, iterator)
            if answer is None:  # expired
                self._iterators.pop(name, None)
                continue
            self._iterators[name] = answer.get("NextShardIterator", "")
            if answer["Records"]:
                found = True
                self._ends[name] = answer["Records"][-1]["SequenceNumber"]
        return found


def _up_to(client: Any, wanted: ShardRange) -> Iterator[list[Mapping[str, Any]]]:
    """The records of a range, call by call. Fewer where the stream no longer keeps them."""
    iterator = _iterator(client, wanted.stream, wanted.shard_id, wanted.after)
    last = int(wanted.until)
    while iterator:
        answer = client.get_records(ShardIterator=iterator)
        records = [r for r in answer["Records"] if int(r["SequenceNumber"]) <= last]
        if records:
            yield records
        reached = bool(records) and int(records[-1]["SequenceNumber"]) == last
        passed = len(records) < len(answer["Records"])
        trimmed = not answer["Records"] and answer["MillisBehindLatest"] == 0
        if reached or passed or trimmed:
            return
        iterator = answer.get("NextShardIterator")


def _records(client: Any, iterator: str) -> Mapping[str, Any] | None:
    try:
        answer: Mapping[str, Any] = client.get_records(ShardIterator=iterator)
    except client.exceptions.ExpiredIteratorException:
        return None
    return answer


def _iterator(client: Any, stream: str, shard_id: str, after: str) -> str:
    where = (
        {"ShardIteratorType": "TRIM_HORIZON"}
        if after == NOT_READ
        else {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
    )
    answer = client.get_shard_iterator(StreamName=stream, ShardId=shard_id, **where)
    iterator: str = answer["ShardIterator"]
    return iterator


def _shards(client: Any, stream: str) -> list[dict[str, Any]]:
    shards: list[dict[str, Any]] = []
    asked: dict[str, str] = {"StreamName": stream}
    while asked:
        answer = client.list_shards(**asked)
        shards += answer["Shards"]
        token = answer.get("NextToken")
        asked = {"NextToken": token} if token else {}
    return shards


def _batch(stream: str, records: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [
            pa.array([r["Data"] for r in records], pa.binary()),
            pa.array([stream] * len(records), pa.string()),
            pa.array([r["PartitionKey"] for r in records], pa.string()),
            pa.array([r["SequenceNumber"] for r in records], pa.string()),
            pa.array([r["ApproximateArrivalTimestamp"] for r in records], SCHEMA.field(4).type),
        ],
        schema=SCHEMA,
    )
