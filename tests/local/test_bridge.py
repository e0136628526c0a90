import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka.errors import KafkaError
from support.kafka_room import KafkaRoom
from support.started import first_line, started
from support.waiting import wait_until

from local import kafka_io
from local.bridge import (
    Bridge,
    CallDone,
    CallFailed,
    Invoke,
    lambda_invoker,
    main,
    read_answer,
)
from local.broker import KafkaBroker
from local.emulator import Emulator
from local.errors import NotRunningError, UsageError
from local.event_filter import Pattern, parse_pattern
from local.lines import KafkaLine
from local.ports import free_port
from local.processes import StopRequest, python_module
from margin.topics import DEAD_LETTER, MARGIN_CALC

Record = dict[str, Any]


class FakeFunction:
    """Sees the events a function would see; a value holding b"report" or b"crash" is bad."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []
        self.handled: list[bytes] = []

    def __call__(self, payload: bytes) -> object:
        batches = list(json.loads(payload)["records"].values())
        values = [base64.b64decode(r["value"]) for records in batches for r in records]
        self.calls.append(values)
        if any(b"crash" in value for value in values):
            return CallFailed("ValueError: poison")
        failed = [place for records in batches if (place := self._handle(records))]
        return {"batchItemFailures": [{"itemIdentifier": place} for place in failed]}

    def _handle(self, records: list[Record]) -> dict[str, object] | None:
        """In order, up to the first bad record of the partition; where that is."""
        for record in records:
            value = base64.b64decode(record["value"])
            if b"report" in value:
                return place_of(record)
            self.handled.append(value)
        return None


def place_of(record: Record) -> dict[str, object]:
    return {"partition": f"{record['topic']}-{record['partition']}", "offset": record["offset"]}


@contextlib.contextmanager
def bridged(
    kafka: KafkaRoom, topic: str, invoke: Invoke, pattern: Pattern | None = None
) -> Iterator[None]:
    stop = StopRequest()
    bridge = Bridge(
        topic, f"fn-{topic}", KafkaLine(kafka.servers), invoke=invoke, stop=stop, pattern=pattern,
        backoff_s=0.01,
    )  # fmt: skip
    thread = threading.Thread(target=bridge.run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def committed(kafka: KafkaRoom, topic: str, partition: int = 0) -> int:
    return kafka.committed(f"bridge.fn-{topic}", topic, partition)


def dead_letters(kafka: KafkaRoom, topic: str) -> list[Record]:
    found = [(r.key, json.loads(r.value)) for r in kafka.read(DEAD_LETTER)]
    return [letter for key, letter in found if key == topic.encode()]


def test_records_reach_the_function_in_order_and_are_committed_after_success(
    kafka: KafkaRoom,
) -> None:
    topic, function = kafka.topic(), FakeFunction()
    seen_at_call: list[int] = []

    def invoke(payload: bytes) -> object:
        seen_at_call.append(committed(kafka, topic))
        return function(payload)

    values = [b"%d" % n for n in range(250)]
    kafka.produce(topic, *values)
    with bridged(kafka, topic, invoke):
        wait_until(lambda: len(function.handled) == 250)
    assert function.handled == values
    assert seen_at_call == [-1, 100, 200]  # batches of 100: never committed before it is done
    assert committed(kafka, topic) == 250


def test_a_restart_goes_on_where_the_last_one_stopped(kafka: KafkaRoom) -> None:
    topic, function = kafka.topic(), FakeFunction()
    for value in (b"before", b"after"):
        kafka.produce(topic, value)
        with bridged(kafka, topic, function):
            wait_until(partial(function.handled.__contains__, value))
    assert function.calls == [[b"before"], [b"after"]]


def test_a_reported_record_is_tried_three_times_then_set_aside_and_its_neighbours_go_through(
    kafka: KafkaRoom,
) -> None:
    topic, function = kafka.topic(), FakeFunction()
    kafka.produce(topic, b"1", b"report", b"2")
    with bridged(kafka, topic, function):
        wait_until(lambda: b"2" in function.handled)
    assert function.calls == [
        [b"1", b"report", b"2"],
        [b"report", b"2"],
        [b"report", b"2"],
        [b"2"],
    ]
    (letter,) = dead_letters(kafka, topic)
    assert base64.b64decode(letter["raw"]) == b"report"
    assert letter["event_id"] == f"{topic}-0-1"
    assert (letter["source"], letter["partition"], letter["offset"]) == (topic, 0, 1)
    assert letter["type"] == "dead_letter"
    assert letter["reason"] == f"fn-{topic}, 3 attempts: reported as failed"
    assert committed(kafka, topic) == 3


def test_a_failure_in_one_partition_does_not_hold_back_the_other(kafka: KafkaRoom) -> None:
    topic, function = kafka.topic(partitions=2), FakeFunction()
    kafka.produce(topic, b"report", b"a", partition=0)
    kafka.produce(topic, b"b", partition=1)
    with bridged(kafka, topic, function):
        wait_until(lambda: {b"a", b"b"} <= set(function.handled))
    assert [committed(kafka, topic, p) for p in (0, 1)] == [2, 1]


def test_a_call_that_raises_is_halved_until_the_bad_record_stands_alone(kafka: KafkaRoom) -> None:
    topic, function = kafka.topic(), FakeFunction()
    kafka.produce(topic, b"1", b"2", b"crash", b"3", b"4", b"5", b"6", b"7")
    with bridged(kafka, topic, function):
        wait_until(lambda: b"7" in function.handled)
    assert function.handled == [b"%d" % n for n in range(1, 8)]
    assert function.calls.count([b"crash"]) == 3
    (letter,) = dead_letters(kafka, topic)
    assert letter["reason"] == f"fn-{topic}, 3 attempts: ValueError: poison"


def test_the_filter_lets_through_what_fits_and_offsets_pass_the_rest(kafka: KafkaRoom) -> None:
    topic, function = kafka.topic(), FakeFunction()
    wanted, other = b'{"enforce":true}', b'{"enforce":false}'
    kafka.produce(topic, other, wanted, b"not json", other)
    with bridged(kafka, topic, function, parse_pattern('{"enforce":[true]}')):
        wait_until(lambda: committed(kafka, topic) == 4)
    assert function.calls == [[wanted]]
    (letter,) = dead_letters(kafka, topic)
    assert letter["offset"] == 2
    assert "cannot read it" in letter["reason"]


def test_stopping_while_the_function_is_away_commits_nothing(kafka: KafkaRoom) -> None:
    topic, stop = kafka.topic(), StopRequest()
    kafka.produce(topic, b"1")
    invoke = lambda_invoker(f"http://127.0.0.1:{free_port()}", "nobody", stop)
    bridge = Bridge(topic, f"fn-{topic}", KafkaLine(kafka.servers), invoke=invoke, stop=stop)
    thread = threading.Thread(target=bridge.run)
    thread.start()
    time.sleep(0.5)
    stop.set()
    began = time.monotonic()
    thread.join(10)
    assert time.monotonic() - began < 2
    assert committed(kafka, topic) == -1


PARTITION = "topic-0"


class Place:
    topic, partition, offset = "topic", 0, 7


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, CallDone({})),
        ({}, CallDone({})),
        ({"batchItemFailures": []}, CallDone({})),
        ("done", CallFailed),
        ({"batchItemFailures": 1}, CallFailed),
        ({"batchItemFailures": [{"itemIdentifier": "topic-0-7"}]}, CallFailed),
        (
            {"batchItemFailures": [{"itemIdentifier": {"partition": PARTITION, "offset": 8}}]},
            CallFailed,
        ),
        (
            {"batchItemFailures": [{"itemIdentifier": {"partition": PARTITION, "offset": 7}}]},
            CallDone,
        ),
    ],
)
def test_an_answer_that_cannot_be_read_counts_as_a_failed_call(
    answer: object, expected: object
) -> None:
    outcome = read_answer(answer, {Place: [Place]})
    assert outcome == expected or type(outcome) is expected


def test_bridge_process_hands_records_to_a_real_function_within_a_moment(
    kafka: KafkaRoom,
    emulator: Emulator,
    make_function: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    topic, queue = kafka.topic(), emulator.client("sqs")
    url = queue.create_queue(QueueName="seen")["QueueUrl"]
    make_function("seen", ECHO)
    command = python_module(
        "local.bridge", "--topic", topic, "--function", "seen", "--servers", kafka.servers,
        "--endpoint", emulator.endpoint, "--filter", '{"enforce":[true]}',
    )  # fmt: skip
    with started(command, cwd=tmp_path) as process:
        assert first_line(process).endswith(f"{topic} -> seen\n")
        took = []
        for number in range(6):
            began = time.monotonic()
            kafka.produce(topic, b'{"enforce":true,"n":%d}' % number, b'{"enforce":false}')
            got = queue.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
            took.append(time.monotonic() - began)
            assert [json.loads(m["Body"])["n"] for m in got] == [number]
            queue.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
        began = time.monotonic()
        process.terminate()
        assert process.wait(10) == 0
        assert time.monotonic() - began < 2
    assert min(took) < 1
    # The last record is not for the function, and the stop may come before it is read.
    assert kafka.committed("bridge.seen", topic) in (11, 12)


ECHO = """
import base64, boto3
queue = boto3.client("sqs")
url = queue.get_queue_url(QueueName="seen")["QueueUrl"]
def handler(event, context):
    for records in event["records"].values():
        for record in records:
            queue.send_message(QueueUrl=url, MessageBody=base64.b64decode(record["value"]).decode())
"""


def test_bridge_ends_with_an_error_where_there_is_no_broker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kafka_io, "BOOTSTRAP_MS", 300)
    servers = f"127.0.0.1:{free_port()}"
    options = f"--topic t --function f --servers {servers} --endpoint http://127.0.0.1:1"
    assert main(options.split()) == 3
    assert f"Kafka at {servers}" in caplog.messages[-1]


@pytest.mark.parametrize("when", ["before its first record", "after its first record"])
def test_bridge_ends_when_the_broker_goes_away_for_good(tmp_path: Path, when: str) -> None:
    port, function = free_port(), FakeFunction()
    broker = KafkaBroker(tmp_path, port, free_port({port}))

    def kill_then_handle(payload: bytes) -> object:
        broker.kill()
        return function(payload)

    with broker:
        broker.create_topics()
        room = KafkaRoom(broker)
        room.produce(MARGIN_CALC, b"1")
        room.close()
        line = KafkaLine(broker.bootstrap_servers)
        bridge = Bridge(
            MARGIN_CALC, "f", line, invoke=kill_then_handle, stop=StopRequest(), gone_after_s=1.0
        )
        if when == "before its first record":
            broker.kill()
        with pytest.raises((NotRunningError, KafkaError)):
            bridge.run()


def test_a_topic_that_does_not_exist_is_an_error(kafka: KafkaRoom) -> None:
    with pytest.raises(UsageError, match="topic nowhere does not exist"):
        Bridge("nowhere", "f", KafkaLine(kafka.servers), invoke=FakeFunction(), stop=StopRequest())
