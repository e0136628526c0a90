"""The line that carries the channels: Kafka's brokers, or Kinesis streams on the emulator.

Whoever reads or writes channels here is given a line and does not ask which one it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from local import kafka_feed, stream_feed
from local.errors import UsageError
from local.kafka_io import (
    GONE_AFTER_S,
    BrokerWatch,
    acknowledged_producer,
    assigned_consumer,
    missing_topics,
)
from local.kinesis_event import failed_shard_records, kinesis_event
from local.msk_event import Batch, failed_partition_records, msk_event
from local.player import Sender
from local.shard_consumer import ShardConsumer
from local.streams import StreamProducer, missing_streams
from margin.channels import Transport

DEFAULT_PREFIX: Final = "marginwatch-demo"


class Watch(Protocol):
    """Tells that the transport is gone for good."""

    def check(self) -> None:
        """Cheap to call often. Raises NotRunningError."""


class ClosableSender(Sender, Protocol):
    def close(self) -> None: ...


class Line(Protocol):
    """One transport at one address."""

    @property
    def transport(self) -> Transport: ...
    @property
    def address(self) -> str:
        """Where it is, for people."""

    def missing(self) -> set[str]:
        """Channels of the catalogue that are not there; all where nothing answers."""

    def arguments(self) -> list[str]:
        """Options by which another process is given the same line; see `of_options`."""

    def consumer(self, channels: Iterable[str], group: str | None = None) -> Any:
        """Reads all partitions or shards, with the words of Kafka's consumer."""

    def producer(self) -> Any:
        """Sends single records, with the words of Kafka's producer."""

    def watch(self, gone_after_s: float = GONE_AFTER_S) -> Watch: ...
    def sender(self, check: Callable[[], None]) -> ClosableSender: ...
    def read(
        self, channels: Sequence[str], *, from_beginning: bool, poll_ms: int = 100
    ) -> Iterator[Any]:
        """Records for ever; None where a poll brought nothing."""

    def batches(self, polled: Batch) -> list[Batch]:
        """What one event of a function may hold."""

    def event(self, batch: Batch) -> dict[str, Any]:
        """The event of a Lambda function for these records."""

    def failed(self, identifier: object, batch: Batch) -> tuple[Any, int] | None:
        """Partition and offset that a function reports as failed; None for none of this batch."""


@dataclass(frozen=True, slots=True)
class KafkaLine:
    servers: str

    @property
    def transport(self) -> Transport:
        return Transport.KAFKA

    @property
    def address(self) -> str:
        return f"Kafka at {self.servers}"

    def missing(self) -> set[str]:
        return missing_topics(self.servers)

    def arguments(self) -> list[str]:
        return ["--transport", self.transport, "--servers", self.servers]

    def consumer(self, channels: Iterable[str], group: str | None = None) -> Any:
        return assigned_consumer(self.servers, channels, group)

    def producer(self) -> Any:
        return acknowledged_producer(self.servers)

    def watch(self, gone_after_s: float = GONE_AFTER_S) -> Watch:
        return BrokerWatch(self.servers, gone_after_s)

    def sender(self, check: Callable[[], None]) -> ClosableSender:
        return kafka_feed.KafkaSender(self.servers, check)

    def read(
        self, channels: Sequence[str], *, from_beginning: bool, poll_ms: int = 100
    ) -> Iterator[Any]:
        return kafka_feed.read(
            self.servers, channels, from_beginning=from_beginning, poll_ms=poll_ms
        )

    def batches(self, polled: Batch) -> list[Batch]:
        return [polled]

    def event(self, batch: Batch) -> dict[str, Any]:
        return msk_event(batch, self.servers)

    def failed(self, identifier: object, batch: Batch) -> tuple[Any, int] | None:
        return failed_partition_records(identifier, batch)


@dataclass(frozen=True, slots=True)
class KinesisLine:
    endpoint: str
    prefix: str = DEFAULT_PREFIX

    @property
    def transport(self) -> Transport:
        return Transport.KINESIS

    @property
    def address(self) -> str:
        return f"Kinesis at {self.endpoint}"

    def missing(self) -> set[str]:
        return missing_streams(self.endpoint, self.prefix)

    def arguments(self) -> list[str]:
        given = ["--transport", self.transport, "--stream-prefix", self.prefix]
        return [*given, "--endpoint", self.endpoint]

    def consumer(self, channels: Iterable[str], group: str | None = None) -> Any:
        return ShardConsumer(self.endpoint, self.prefix, channels, group)

    def producer(self) -> Any:
        return StreamProducer(self.endpoint, self.prefix)

    def watch(self, gone_after_s: float = GONE_AFTER_S) -> Watch:
        return _ConsumerTells()

    def sender(self, check: Callable[[], None]) -> ClosableSender:
        return stream_feed.StreamSender(self.endpoint, self.prefix)

    def read(
        self, channels: Sequence[str], *, from_beginning: bool, poll_ms: int = 100
    ) -> Iterator[Any]:
        return stream_feed.read(
            self.endpoint, self.prefix, channels, from_beginning=from_beginning, poll_ms=poll_ms
        )

    def batches(self, polled: Batch) -> list[Batch]:
        """AWS never mixes shards in one event."""
        return [{shard: records} for shard, records in polled.items()]

    def event(self, batch: Batch) -> dict[str, Any]:
        return kinesis_event(batch)

    def failed(self, identifier: object, batch: Batch) -> tuple[Any, int] | None:
        return failed_shard_records(identifier, batch)


class _ConsumerTells:
    """Over HTTP each poll is asked and answered: the consumer notices by itself."""

    def check(self) -> None:
        """Nothing to look at."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `arguments`."""
    parser.add_argument("--transport", choices=tuple(Transport), default=Transport.KAFKA)
    parser.add_argument("--servers", help="Kafka's bootstrap servers")
    parser.add_argument("--stream-prefix", help="what the names of the streams begin with")
    parser.add_argument("--endpoint", help="of the AWS emulator")


def of_options(options: argparse.Namespace) -> Line:
    """The line of parsed options; UsageError for one without its address."""
    if options.transport == Transport.KAFKA:
        if not options.servers:
            raise UsageError("expected --servers HOST:PORT with --transport kafka, found none")
        return KafkaLine(options.servers)
    if not options.endpoint or not options.stream_prefix:
        raise UsageError(
            "expected --endpoint URL and --stream-prefix NAME with --transport kinesis, "
            "found not both"
        )
    return KinesisLine(options.endpoint, options.stream_prefix)
