"""Kafka clients of the commands: send and be sure, read from the beginning, follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from local.errors import NotRunningError
from local.kafka_io import BOOTSTRAP_MS
from local.player import Message

# What a client raises whose transport is away or does not do as asked.
CLIENT_ERRORS = (KafkaError, BotoCoreError, ClientError)
SEND_TIMEOUT_S = 10.0
BLOCK_MS = 3_000  # a broker that is up answers at once; one that died must be noticed soon


class KafkaSender:
    """Sends messages and returns once the broker has them. `check` is called while it waits."""

    def __init__(self, servers: str, check: Callable[[], None]) -> None:
        self._check = check
        self._producer = KafkaProducer(
            bootstrap_servers=servers,
            acks="all",
            linger_ms=2,
            bootstrap_timeout_ms=BLOCK_MS,
            max_block_ms=BLOCK_MS,
            delivery_timeout_ms=10_000,
            request_timeout_ms=5_000,
        )

    def send(self, messages: list[Message]) -> dict[str, int]:
        """The next offset of each topic-partition written to. Raises NotRunningError."""
        try:
            futures = [
                self._producer.send(m.topic, key=m.key.encode(), value=m.value) for m in messages
            ]
            self._flush()
            written: dict[str, int] = {}
            for future in futures:
                record = future.get(0)
                name = f"{record.topic}-{record.partition}"
                written[name] = max(written.get(name, 0), record.offset + 1)
        except KafkaError as error:
            raise NotRunningError(f"the broker did not take the events: {error}") from error
        return written

    def _flush(self) -> None:
        deadline = time.monotonic() + SEND_TIMEOUT_S
        while True:
            try:
                self._producer.flush(0.5)
                return
            except KafkaTimeoutError:
                self._check()
                if time.monotonic() > deadline:
                    raise

    def close(self) -> None:
        self._producer.close(0.5)


def read(
    servers: str, topics: Sequence[str], *, from_beginning: bool, poll_ms: int = 100
) -> Iterator[Any]:
    """Records of the topics, for ever; None where a poll brought nothing. No consumer group."""
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        bootstrap_timeout_ms=BOOTSTRAP_MS,
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        auto_offset_reset="earliest" if from_beginning else "latest",
    )
    try:
        partitions = [
            TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t) or ()
        ]
        if not partitions:
            raise NotRunningError(
                f"expected the topics {', '.join(topics)} on {servers}, found none"
            )
        consumer.assign(partitions)
        if from_beginning:
            consumer.seek_to_beginning()
        else:
            consumer.seek_to_end()
        while True:
            batches = consumer.poll(timeout_ms=poll_ms, max_records=2000)
            for records in batches.values():
                yield from records
            if not batches:
                yield None
    finally:
        consumer.close(autocommit=False, timeout_ms=500)


class Follower:
    """A thread that hands every record of the topics to `use`; its error is raised by `check`."""

    def __init__(
        self, records: Callable[[], Iterator[Any]], use: Callable[[str, bytes], None]
    ) -> None:
        """`records` gives them for ever, and None where a poll brought nothing."""
        self._records, self._use = records, use
        self._ending = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join(1)  # it waits for the broker where that has died

    def check(self) -> None:
        if self._error is not None:
            raise NotRunningError(f"the topics can no longer be read: {self._error}")

    def _run(self) -> None:
        try:
            for record in self._records():
                if self._ending.is_set():
                    return
                if record is not None:
                    self._use(record.topic, record.value)
        except (*CLIENT_ERRORS, NotRunningError, ValueError, KeyError) as error:
            self._error = error
