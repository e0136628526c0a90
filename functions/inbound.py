"""Records of either transport as one value, and the answer that says which of them failed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.kafka_event import KafkaEventRecord
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord

from margin.channels import SourcePosition, Transport, channel_of, shard_number
from margin.errors import EventError


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRecord:
    """One record, whatever carried it. A record on Kafka may have no key."""

    position: SourcePosition
    key: str | None
    value: bytes


def answer(
    event: dict[str, Any], context: Any, handle: Callable[[InboundRecord], None]
) -> dict[str, Any]:
    """Hand each record of the event to `handle`; what raised is reported in its transport's words.

    Kafka gets topic-partition and offset back, Kinesis the sequence number. What is not of either
    raises EventError: the whole batch is tried again and set aside.
    """
    event_type = _event_type(event)
    decode: Any = from_kafka if event_type == EventType.Kafka else from_kinesis

    def one(record: Any) -> None:
        handle(decode(record))

    processor = BatchProcessor(event_type, raise_on_entire_batch_failure=False)
    return dict(process_partial_response(event, one, processor, context))


def from_kafka(record: KafkaEventRecord) -> InboundRecord:
    """A record of an `aws:kafka` event. One without a value counts as empty."""
    return InboundRecord(
        position=SourcePosition(
            transport=Transport.KAFKA,
            channel=record.topic,
            partition=record.partition,
            offset=record.offset,
        ),
        key=None if record.decoded_key is None else record.decoded_key.decode(errors="replace"),
        value=b"" if record.get("value") is None else record.decoded_value,
    )


def from_kinesis(record: KinesisStreamRecord) -> InboundRecord:
    """A record of an `aws:kinesis` event; its id begins with the shard's."""
    shard_id, _, _ = record.event_id.partition(":")
    return InboundRecord(
        position=SourcePosition(
            transport=Transport.KINESIS,
            channel=channel_of(record.event_source_arn),
            partition=shard_number(shard_id),
            offset=int(record.kinesis.sequence_number),
        ),
        key=record.kinesis.partition_key,
        value=record.kinesis.data_as_bytes(),
    )


def _event_type(event: dict[str, Any]) -> EventType:
    """A Kafka event names its source once, a Kinesis event in every record."""
    if event.get("eventSource") == "aws:kafka":
        return EventType.Kafka
    sources = {record.get("eventSource") for record in event.get("Records", [])}
    if sources == {"aws:kinesis"}:
        return EventType.KinesisDataStreams
    found = event.get("eventSource") or ", ".join(sorted(map(str, sources))) or "no source"
    raise EventError(f"expected an event of aws:kafka or aws:kinesis, was {found}")
