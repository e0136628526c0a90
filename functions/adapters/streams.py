"""Kinesis streams: nothing counts as sent before Kinesis has told where it is."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from margin.ordered_put import Entry, Placed, Put, Refused, outcome, pause_ms, put_in_order


def pause(tries: int) -> None:
    """Longer each time, and never the same for two senders."""
    time.sleep(pause_ms(tries) / 1000 * random.uniform(0.5, 1.0))


def put(
    client: Any,
    stream: str,
    entries: Sequence[Entry],
    wait: Callable[[int], None] = pause,
) -> tuple[Placed, ...]:
    """Put entries into one stream with a boto3 client; errors as put_in_order and boto3 raise."""
    return put_in_order(entries, putter(client, stream), wait)


def putter(client: Any, stream: str) -> Put:
    """One call of PutRecords."""

    def call(entries: Sequence[Entry]) -> list[Placed | Refused]:
        records = [{"PartitionKey": entry.key, "Data": entry.value} for entry in entries]
        answer = client.put_records(StreamName=stream, Records=records)
        return [outcome(found) for found in answer["Records"]]

    return call
