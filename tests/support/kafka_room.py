"""A running broker and the few verbs that tests need with it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from local.broker import KafkaBroker
from margin.topics import DAY_MS, Topic


class KafkaRoom:
    """Use it with a broker that is up; close it before the broker stops."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.servers, self._broker = broker.bootstrap_servers, broker
        self._numbers = itertools.count(1)
        self._producer = KafkaProducer(bootstrap_servers=self.servers, acks="all")

    def topic(self, partitions: int = 1) -> str:
        """A new topic that no other test uses."""
        name = f"test.{next(self._numbers)}.v1"
        made = Topic(name=name, key="any", partitions=partitions, retention_ms=DAY_MS)
        self._broker.create_topics([made])
        return name

    def produce(
        self,
        topic: str,
        *values: bytes | None,
        key: bytes | None = b"k",
        partition: int = 0,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Return once the broker has them all."""
        for value in values:
            self._producer.send(
                topic, key=key, value=value, partition=partition, headers=list(headers)
            )
        self._producer.flush()

    def read(self, topic: str, partition: int = 0) -> list[Any]:
        """All records of one partition, as they are now."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.servers, auto_offset_reset="earliest", enable_auto_commit=False
        )
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        end, found = consumer.end_offsets([place])[place], []
        while consumer.position(place) < end:
            for records in consumer.poll(100).values():
                found += records
        consumer.close()
        return found

    def committed(self, group: str, topic: str, partition: int = 0) -> int:
        """The group's committed offset; -1 where there is none."""
        consumer = KafkaConsumer(bootstrap_servers=self.servers, group_id=group)
        offset = consumer.committed(TopicPartition(topic, partition))
        consumer.close()
        return -1 if offset is None else int(offset)

    def close(self) -> None:
        self._producer.close()
