import json
from typing import Any

from aws_lambda_powertools.utilities.data_classes import KafkaEvent
from kafka import TopicPartition
from support.kafka_room import KafkaRoom

from local.msk_event import halves, msk_event


def test_powertools_reads_a_real_record_as_it_was_produced(kafka: KafkaRoom) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b'{"enforce":true}', key=b"ACC-1", headers=[("trace", b"\xff\x01")])
    records = kafka.read(topic)
    event = msk_event({TopicPartition(topic, 0): records}, kafka.servers)
    assert event["eventSource"] == "aws:kafka"
    assert list(event["records"]) == [f"{topic}-0"]
    (found,) = KafkaEvent(json.loads(json.dumps(event))).records
    assert (found.decoded_key, found.json_value) == (b"ACC-1", {"enforce": True})
    assert (found.topic, found.partition, found.offset) == (topic, 0, 0)
    assert found.timestamp_type == "CREATE_TIME"
    assert found.decoded_headers["trace"] == b"\xff\x01"


def test_a_part_that_a_record_does_not_have_is_not_in_its_event(kafka: KafkaRoom) -> None:
    topic = kafka.topic()
    kafka.produce(topic, None, key=b"k")
    kafka.produce(topic, b"v", key=None)
    event = msk_event({TopicPartition(topic, 0): kafka.read(topic)}, kafka.servers)
    tombstone, keyless = event["records"][f"{topic}-0"]
    assert "value" not in tombstone
    assert "key" not in keyless


def test_halves_keep_every_record_once_and_each_partition_in_order() -> None:
    batch: dict[Any, list[Any]] = {"a": [1, 2, 3], "b": [4, 5]}
    assert halves(batch) == [{"a": [1, 2]}, {"a": [3], "b": [4, 5]}]
