"""One contract, two transports: the same tests over a real Kafka broker and over Kinesis streams.

Order per key, at least once, bytes and keys unchanged, positions that only grow, going on after a
restart, partial failures, dead letters.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from support.kafka_room import KafkaRoom
from support.lines_room import LinesRoom, commit_after, drained
from support.waiting import wait_until

from functions.inbound import InboundRecord, answer
from local import lines
from local.bridge import Bridge, CallFailed
from local.emulator import Emulator
from local.errors import UsageError
from local.lines import KafkaLine
from local.player import Message
from local.processes import StopRequest
from margin.channels import Transport, partition_of
from margin.topics import CASH, CATALOGUE, DEAD_LETTER, FILLS, LIQUIDATIONS, MARGIN_CALC, topic

EVERY_BYTE = bytes(range(256))


@pytest.fixture(params=list(Transport))
def room(request: pytest.FixtureRequest, kafka: KafkaRoom, emulator: Emulator) -> LinesRoom:
    servers = kafka.servers if request.param == Transport.KAFKA else None
    return LinesRoom(servers, emulator.endpoint)


def send(room: LinesRoom, channel: str, *pairs: tuple[str, bytes]) -> dict[str, int]:
    sender = room.line.sender(lambda: None)
    try:
        return sender.send([Message(channel, key, value) for key, value in pairs])
    finally:
        sender.close()


class Function:
    """A function as ours are written: decodes either event, reports what it refuses."""

    def __init__(self, refuses: Callable[[InboundRecord], bool] = lambda _record: False) -> None:
        self.seen: list[InboundRecord] = []
        self.tried: dict[bytes, int] = defaultdict(int)
        self.sources: set[str] = set()
        self._refuses = refuses

    def __call__(self, payload: bytes) -> object:
        event = json.loads(payload)
        self.sources.add(event.get("eventSource") or event["Records"][0]["eventSource"])
        if b"crash" in payload:
            return CallFailed("ValueError: poison")
        return answer(event, None, self._handle)

    def _handle(self, record: InboundRecord) -> None:
        self.tried[record.value] += 1
        if self._refuses(record):
            raise ValueError("refused")
        self.seen.append(record)

    def of(self, key: str) -> list[bytes]:
        """What was handled of one key, each value once, in the order of the first time."""
        return list(dict.fromkeys(r.value for r in self.seen if r.key == key))


@contextlib.contextmanager
def bridged(room: LinesRoom, channel: str, function: Function) -> Iterator[None]:
    """One bridge of this test's own; records of other tests pass it by."""
    stop = StopRequest()
    bridge = Bridge(
        channel, f"f-{room.mark}", room.line, invoke=function, stop=stop, backoff_s=0.01
    )
    thread = threading.Thread(target=bridge.run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def test_keys_and_bytes_arrive_unchanged(room: LinesRoom) -> None:
    pairs = [(room.key("Zoë"), EVERY_BYTE), (room.key("b"), b"{}"), (room.key("c"), b"\xff" * 9)]
    send(room, FILLS, *pairs)
    found = room.all(FILLS, [key for key, _ in pairs])
    assert sorted((r.key.decode(), r.value) for r in found) == sorted(pairs)


def test_each_key_stays_in_order_and_in_one_partition(room: LinesRoom) -> None:
    pairs = [(room.key(f"k{i % 7}"), b"%d" % i) for i in range(70)]
    for start in range(0, len(pairs), 20):
        send(room, FILLS, *pairs[start : start + 20])
    keys = [room.key(f"k{n}") for n in range(7)]
    found = room.all(FILLS, keys)
    for key in keys:
        own = [r for r in found if r.key == key.encode()]
        assert [r.value for r in own] == [value for name, value in pairs if name == key]
        assert len({r.partition for r in own}) == 1
        assert all(a.offset < b.offset for a, b in pairwise(own))
    assert len({r.partition for r in found}) > 1


def test_what_was_written_is_told_by_the_next_offset_of_each_place(room: LinesRoom) -> None:
    pairs = [(room.key(f"k{i % 5}"), b"%d" % i) for i in range(20)]
    written = send(room, CASH, *pairs)
    ends: dict[str, int] = {}
    for record in room.all(CASH, [key for key, _ in pairs]):
        place = f"{record.topic}-{record.partition}"
        ends[place] = max(ends.get(place, 0), record.offset + 1)
    assert written == ends


def test_a_reader_goes_on_where_it_said_it_was(room: LinesRoom) -> None:
    key, group = room.key("a"), f"g-{room.mark}"
    send(room, LIQUIDATIONS, *[(key, b"%d" % i) for i in range(6)])
    first = room.line.consumer([LIQUIDATIONS], group)
    own = [r for records in drained(first) for r in records if r.key == key.encode()]
    assert [r.value for r in own] == [b"%d" % i for i in range(6)]
    commit_after(first, own[3])
    first.close()
    send(room, LIQUIDATIONS, (key, b"6"))
    second = room.line.consumer([LIQUIDATIONS], group)
    values = [r.value for records in drained(second) for r in records if r.key == key.encode()]
    second.close()
    assert values == [b"4", b"5", b"6"]


def test_a_reader_from_the_end_sees_only_what_comes(room: LinesRoom) -> None:
    key = room.key("a")
    send(room, LIQUIDATIONS, (key, b"before"))
    records = room.line.read([LIQUIDATIONS], from_beginning=False, poll_ms=50)
    assert next(records) is None
    send(room, LIQUIDATIONS, (key, b"after"))
    assert next(r.value for r in records if r is not None) == b"after"


def test_a_channel_that_is_not_there_is_refused(room: LinesRoom) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        room.line.consumer(["nowhere.v1"])


def test_every_channel_of_the_catalogue_is_there(room: LinesRoom) -> None:
    assert room.line.missing() == set()
    places = room.line.consumer([entry.name for entry in CATALOGUE]).assignment()
    counted = {name: sum(p.topic == name for p in places) for name in {p.topic for p in places}}
    assert counted == {entry.name: entry.partitions for entry in CATALOGUE}


def test_a_function_gets_every_record_once_and_each_key_in_order(room: LinesRoom) -> None:
    function, keys = Function(), [room.key(f"k{i}") for i in range(5)]
    values = [(keys[i % 5], f"{room.mark}-{i}".encode()) for i in range(100)]
    send(room, MARGIN_CALC, *values)
    with bridged(room, MARGIN_CALC, function):
        wait_until(lambda: {v for _, v in values} <= set(function.tried))
    for key in keys:
        assert function.of(key) == [value for name, value in values if name == key]
    assert function.sources == {f"aws:{room.line.transport}"}
    assert {r.position.transport for r in function.seen} == {room.line.transport}


def test_what_a_function_reports_is_tried_again_and_in_order(room: LinesRoom) -> None:
    key = room.key("a")
    values = [f"{room.mark}-{i}".encode() for i in range(10)]
    function = Function()
    function._refuses = lambda record: record.value == values[4] and function.tried[values[4]] == 1
    send(room, MARGIN_CALC, *[(key, value) for value in values])
    with bridged(room, MARGIN_CALC, function):
        wait_until(lambda: set(function.of(key)) == set(values))
    assert function.tried[values[4]] == 2
    assert function.tried[values[0]] == 1
    last_tries = [r.value for r in function.seen if r.key == key]
    assert last_tries[last_tries.index(values[4]) :] == values[4:]


def test_what_fails_three_times_is_set_aside_with_its_place_and_the_rest_goes_on(
    room: LinesRoom,
) -> None:
    key = room.key("a")
    values = [f"{room.mark}-{i}".encode() for i in range(5)]
    function = Function(refuses=lambda record: record.value == values[2])
    send(room, MARGIN_CALC, *[(key, value) for value in values])
    with bridged(room, MARGIN_CALC, function):
        wait_until(lambda: set(function.of(key)) == set(values) - {values[2]})
    assert function.tried[values[2]] == 3
    (record,) = [r for r in room.all(MARGIN_CALC, [key]) if r.value == values[2]]
    letters = [json.loads(r.value) for r in room.all(DEAD_LETTER)]
    (letter,) = [
        found
        for found in letters
        if found["event_id"] == f"{MARGIN_CALC}-{record.partition}-{record.offset}"
    ]
    assert int(letter["offset"]) == record.offset
    assert isinstance(letter["offset"], int) == (room.line.transport == Transport.KAFKA)


def test_a_call_that_fails_as_a_whole_is_halved_down_to_the_record(room: LinesRoom) -> None:
    key = room.key("a")
    values = [f"{room.mark}-{i}".encode() for i in range(8)]
    function = Crashing(values[5])
    send(room, MARGIN_CALC, *[(key, value) for value in values])
    with bridged(room, MARGIN_CALC, function):
        wait_until(lambda: set(function.of(key)) == set(values) - {values[5]})
    assert function.of(key) == [value for value in values if value != values[5]]


class Crashing(Function):
    """Dies of one record: it cannot say which one."""

    def __init__(self, poison: bytes) -> None:
        super().__init__()
        self._poison = poison

    def __call__(self, payload: bytes) -> object:
        found: list[InboundRecord] = []
        answer(json.loads(payload), None, found.append)
        if any(record.value == self._poison for record in found):
            return CallFailed("ValueError: poison")
        return super().__call__(payload)


def test_a_bridge_that_ends_is_followed_by_one_that_goes_on(room: LinesRoom) -> None:
    key = room.key("a")
    values = [f"{room.mark}-{i}".encode() for i in range(6)]
    first, second = Function(), Function()
    send(room, MARGIN_CALC, *[(key, value) for value in values[:3]])
    with bridged(room, MARGIN_CALC, first):
        wait_until(lambda: first.of(key) == values[:3])
    send(room, MARGIN_CALC, *[(key, value) for value in values[3:]])
    with bridged(room, MARGIN_CALC, second):
        wait_until(lambda: second.of(key) == values[3:])


def test_a_stream_splits_its_keys_as_the_catalogue_says(emulator: Emulator) -> None:
    room = LinesRoom(None, emulator.endpoint)
    keys = [f"ACC_{i:03}" for i in range(60)]
    send(room, FILLS, *[(key, b"x") for key in keys])
    found = {r.key.decode(): r.partition for r in room.all(FILLS)}
    assert found == {key: partition_of(FILLS, key) for key in keys}
    assert set(found.values()) == set(range(topic(FILLS).partitions))


def test_a_line_is_handed_on_by_its_arguments(room: LinesRoom) -> None:
    parser = argparse.ArgumentParser()
    lines.add_options(parser)
    assert lines.of_options(parser.parse_args(room.line.arguments())) == room.line


def test_a_line_without_its_address_is_refused() -> None:
    parser = argparse.ArgumentParser()
    lines.add_options(parser)
    for given in ([], ["--transport", "kinesis", "--endpoint", "http://127.0.0.1:1"]):
        with pytest.raises(UsageError, match="found"):
            lines.of_options(parser.parse_args(given))


def test_a_line_says_where_it_is() -> None:
    assert KafkaLine("127.0.0.1:9").address == "Kafka at 127.0.0.1:9"
