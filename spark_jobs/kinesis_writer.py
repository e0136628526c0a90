"""Messages to Kinesis streams from Spark's tasks, each account's in order.

EMR's connector writes one stream a query, and drops a record that it could not send in 30 s: here
a record that is not taken fails the batch, which is done again.
"""

import time
from collections.abc import Sequence

from pyspark.sql import Row

from margin.ordered_put import Entry, Placed, Refused, outcome, pause_ms, put_in_order
from spark_jobs.kinesis_client import kinesis_client
from spark_jobs.transports import Kinesis

FLUSH_AT = 5_000  # messages held


class KinesisWriter:
    """What `foreach` wants: one for each task of a batch. Rows: topic, key, value."""

    def __init__(self, kinesis: Kinesis) -> None:
        self._kinesis = kinesis
        self._waiting: dict[str, list[Entry]] = {}
        self._held = 0

    def open(self, partition_id: int, epoch_id: int) -> bool:
        self._waiting, self._held = {}, 0
        return True

    def process(self, row: Row) -> None:
        entry = Entry(key=row["key"], value=row["value"].encode())
        self._waiting.setdefault(row["topic"], []).append(entry)
        self._held += 1
        if self._held >= FLUSH_AT:
            self._flush()

    def close(self, error: Exception | None) -> None:
        if error is None:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting, self._held = self._waiting, {}, 0
        for channel, entries in waiting.items():
            put_to(self._kinesis, channel, entries)


def put_to(kinesis: Kinesis, channel: str, entries: Sequence[Entry]) -> tuple[Placed, ...]:
    """Put entries into the stream of a channel; StillRefusedError where it goes on refusing."""
    client = kinesis_client(kinesis.region, kinesis.endpoint)

    def call(some: Sequence[Entry]) -> list[Placed | Refused]:
        records = [{"PartitionKey": entry.key, "Data": entry.value} for entry in some]
        answer = client.put_records(StreamName=kinesis.stream(channel), Records=records)
        return [outcome(found) for found in answer["Records"]]

    return put_in_order(entries, call, lambda tries: time.sleep(pause_ms(tries) / 1000))
