"""The `aws:kinesis` event that an event source mapping hands to a Lambda function."""

from __future__ import annotations

import base64
from typing import Any

from local.emulator import ACCOUNT, REGION
from local.msk_event import Batch
from local.shard_consumer import DIGITS, StreamRecord


def kinesis_event(batch: Batch) -> dict[str, Any]:
    """The event for these records, shard by shard, field for field as AWS sends it."""
    return {"Records": [one(record) for found in batch.values() for record in found]}


def one(record: StreamRecord) -> dict[str, Any]:
    """One record: its data in base64, its key as text."""
    number = sequence_text(record)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.key.decode(),
            "sequenceNumber": number,
            "data": base64.b64encode(record.value).decode(),
            "approximateArrivalTimestamp": round(record.arrived_at.timestamp(), 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{record.shard_id}:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/local",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{record.stream}",
    }


def sequence_text(record: StreamRecord) -> str:
    """The sequence number as the stream itself writes it."""
    return str(record.offset).zfill(DIGITS)


def failed_shard_records(identifier: object, batch: Batch) -> tuple[Any, int] | None:
    """Shard and sequence number that a function reports as failed; None for none of the batch."""
    for shard, records in batch.items():
        for record in records:
            if sequence_text(record) == identifier:
                return shard, record.offset
    return None
