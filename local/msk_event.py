"""The `aws:kafka` event that Amazon MSK's event source mapping hands to a Lambda function."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

CLUSTER = (
    "arn:aws:kafka:us-east-1:000000000000:cluster/local/00000000-0000-0000-0000-000000000000-1"
)
LOG_APPEND_TIME = 1

# Partition (kafka.TopicPartition) -> consecutive records of it (kafka's ConsumerRecord).
Batch = Mapping[Any, Sequence[Any]]


def msk_event(batch: Batch, servers: str) -> dict[str, Any]:
    """The event for these records, field for field as AWS sends it."""
    records = {f"{p.topic}-{p.partition}": [one(r) for r in found] for p, found in batch.items()}
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": CLUSTER,
        "bootstrapServers": servers,
        "records": records,
    }


def one(record: Any) -> dict[str, Any]:
    """One record: key and value in base64 where there are any, headers as signed bytes."""
    append_time = record.timestamp_type == LOG_APPEND_TIME
    fields = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "timestampType": "LOG_APPEND_TIME" if append_time else "CREATE_TIME",
        "headers": [{name: signed(value or b"")} for name, value in record.headers],
    }
    parts = (("key", record.key), ("value", record.value))
    present = {name: base64.b64encode(raw).decode() for name, raw in parts if raw is not None}
    return fields | present


def signed(raw: bytes) -> list[int]:
    """Java's bytes: -128 to 127."""
    return [byte - 256 if byte > 127 else byte for byte in raw]


def halves(batch: Batch) -> list[dict[Any, list[Any]]]:
    """The batch in two; each partition keeps its order and its earlier records come first."""
    flat = [(partition, record) for partition, found in batch.items() for record in found]
    middle = len(flat) // 2
    parts: list[dict[Any, list[Any]]] = []
    for piece in (flat[:middle], flat[middle:]):
        part: dict[Any, list[Any]] = {}
        for partition, record in piece:
            part.setdefault(partition, []).append(record)
        parts.append(part)
    return parts


def failed_partition_records(identifier: object, batch: Batch) -> tuple[Any, int] | None:
    """Partition and offset that a function reports as failed; None for none of the batch."""
    match identifier:
        case {"partition": str(name), "offset": int(offset)}:
            for partition, records in batch.items():
                if f"{partition.topic}-{partition.partition}" == name and any(
                    record.offset == offset for record in records
                ):
                    return partition, offset
    return None
